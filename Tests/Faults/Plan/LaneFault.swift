/// Something that goes wrong on one lane of a round. Times in all of them are milliseconds.
protocol LaneFault: Equatable, Sendable {
    /// What people call it: the text is for the report.
    associatedtype Kind: RawRepresentable<String>

    var kind: Kind { get }
}

/// A kind of fault on a lane, to count what was planned and what took effect.
struct FaultKind: Hashable, Sendable, CustomStringConvertible {
    let lane: FaultPlan.Lane
    let name: String

    init(_ lane: FaultPlan.Lane, _ name: String) {
        self.lane = lane
        self.name = name
    }

    init(_ lane: FaultPlan.Lane, _ fault: some LaneFault) { self.init(lane, fault.kind.rawValue) }

    /// Kills of any lane.
    var isKill: Bool { name == ServiceFault.Kind.kill.rawValue || name == LoadFault.Kind.killDuringRequest.rawValue }

    var isFullDisk: Bool { self == FaultKind(.broker, BrokerFault.Kind.fillDisk.rawValue) }

    var description: String { "\(lane.rawValue), \(name)" }
}
