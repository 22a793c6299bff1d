import Foundation

/// A consumer group as its coordinator keeps it: who is in it, and who has which partitions.
///
/// A value that takes what a member says and tells how long that member has to wait; who calls it waits.
struct ConsumerGroup {
    enum Answer<Value> {
        case now(Value)
        /// Ask again when something changed, and at this time at the latest.
        case wait(until: Date)
        case error(KafkaCode)
    }

    struct Membership {
        let generation: Int32
        let leader: String
        /// What each member said when it joined; only the leader needs it.
        let members: [String: [UInt8]]
    }

    private enum Phase {
        case joining(until: Date)
        case sharing
        case stable
    }

    private var phase = Phase.stable
    private var members: [String: [UInt8]] = [:]
    /// Who has joined the generation to come.
    private var joined: Set<String> = []
    private var shares: [String: [UInt8]] = [:]
    private(set) var generation: Int32 = 0

    /// How long the first member waits for others, so that a group that starts together is shared out once.
    private static let initialDelay: TimeInterval = 1
    /// How long the others wait for a member that does not come back.
    private static let rejoinLimit: TimeInterval = 10

    /// A member wants to be in the next generation.
    mutating func join(_ member: String, _ metadata: [UInt8], now: Date) {
        if case .joining = phase {} else { begin(delay: members.isEmpty ? Self.initialDelay : Self.rejoinLimit, now) }
        members[member] = metadata
        joined.insert(member)
    }

    /// The generation that `member` has joined, once it is complete.
    mutating func membership(of member: String, now: Date) -> Answer<Membership> {
        if case .joining(let end) = phase {
            // The first generation waits for whoever comes; later ones only for those they know.
            guard now >= end || (generation > 0 && joined.count == members.count) else { return .wait(until: end) }
            members = members.filter { joined.contains($0.key) }
            generation += 1
            shares = [:]
            phase = .sharing
        }
        guard members[member] != nil, let leader = members.keys.min() else { return .error(.unknownMember) }
        return .now(Membership(generation: generation, leader: leader, members: members))
    }

    /// The leader tells what everybody gets.
    mutating func share(_ shares: [String: [UInt8]], generation: Int32) {
        guard generation == self.generation, case .sharing = phase, !shares.isEmpty else { return }
        self.shares = shares
        phase = .stable
    }

    /// What `member` gets, once the leader has told.
    func share(of member: String, generation: Int32, now: Date) -> Answer<[UInt8]> {
        if let code = state(of: member, generation: generation) { return .error(code) }
        if case .sharing = phase { return .wait(until: now + Self.rejoinLimit) }
        return .now(shares[member] ?? [])
    }

    /// What a member is told that says it lives; nil is well.
    func state(of member: String, generation: Int32) -> KafkaCode? {
        if members[member] == nil { return .unknownMember }
        if case .joining = phase { return .rebalanceInProgress }
        return generation == self.generation ? nil : .illegalGeneration
    }

    mutating func leave(_ member: String, now: Date) {
        guard members.removeValue(forKey: member) != nil else { return }
        joined.remove(member)
        if members.isEmpty {
            self = ConsumerGroup()
        } else {
            begin(delay: Self.rejoinLimit, now)
        }
    }

    private mutating func begin(delay: TimeInterval, _ now: Date) {
        if case .joining = phase { return }
        phase = .joining(until: now + delay)
        joined = []
    }
}

/// Error codes of Kafka's protocol.
enum KafkaCode: Int16 {
    case none = 0
    case offsetOutOfRange = 1
    case unknownTopic = 3
    case illegalGeneration = 22
    case unknownMember = 25
    case rebalanceInProgress = 27
    case unsupportedMechanism = 33
    case unsupportedVersion = 35
    case topicExists = 36
    case authenticationFailed = 58
    case invalidRecord = 87
}
