import NIOCore

/// A client's connection and the one to the target that belongs to it. On the proxy's event loop.
final class ProxyLink {
    /// True from the moment at which the target is asked.
    var isConnecting = false
    /// The network knows this connection no longer: nothing will ever pass.
    var isForgotten = false
    let acceptedAt = NIODeadline.now()
    private var isEnding = false
    private let client: any Channel
    private var target: (any Channel)?
    private unowned let core: ProxyCore
    private var toTarget = ProxyLane()
    private var toClient = ProxyLane()
    private var wakes: [FaultProxy.Direction: Scheduled<Void>] = [:]

    init(client: any Channel, core: ProxyCore) {
        self.client = client
        self.core = core
    }

    func connected(to target: any Channel) {
        self.target = target
        if isEnding { target.close(promise: nil) } else { pump() }
    }

    func trapChanged() { for direction in FaultProxy.Direction.allCases { self[direction].forgetPattern() } }

    // MARK: Bytes

    func received(_ bytes: ByteBuffer, _ direction: FaultProxy.Direction) {
        guard !isEnding else { return }
        if let trap = core.trap, trap.direction == direction,
            let found = self[direction].find(trap.bytes, in: bytes)
        {
            return spring(trap, bytes, found)
        }
        self[direction].append(bytes, core.speed, at: .now())
        pump(direction)
    }

    /// The source of a direction ended. Who listens at the other end hears of it when the network lets
    /// news pass, behind the last byte.
    func sourceEnded(_ direction: FaultProxy.Direction) {
        self[direction].isEnded = true
        if toTarget.isEnded, toClient.isEnded { return core.ended(self) }
        if target == nil, !isConnecting { return core.ended(self) }
        pump(direction)
    }

    func pump() { for direction in FaultProxy.Direction.allCases { pump(direction) } }

    /// Passes on what is due, and reads more when there is room for it.
    func pump(_ direction: FaultProxy.Direction) {
        guard let (source, sink) = ends(of: direction), !isEnding else { return }
        let isHeld = isForgotten || core.stalled.contains(direction)
        let mayRead = !isHeld && self[direction].heldBytes < FaultProxy.heldBytesLimit
        defer { try? source.syncOptions?.setOption(.autoRead, value: mayRead) }
        wakes.removeValue(forKey: direction)?.cancel()
        guard !isHeld else { return }
        while sink.isWritable, let bytes = self[direction].next(at: .now()) { write(bytes, to: sink, direction) }
        sink.flush()
        if self[direction].isDrained { return closeAfterFlush(of: sink, .finish) }
        guard let due = self[direction].nextDue, sink.isWritable else { return }
        let bound = NIOLoopBound(self, eventLoop: core.loop)
        wakes[direction] = core.loop.scheduleTask(deadline: due) { bound.value.pump(direction) }
    }

    private func write(_ bytes: ByteBuffer, to sink: any Channel, _ direction: FaultProxy.Direction) {
        sink.write(bytes, promise: nil)
        core.observed.update {
            switch direction {
            case .toTarget: $0.bytesToTarget += bytes.readableBytes
            case .toClient: $0.bytesToClient += bytes.readableBytes
            }
        }
    }

    // MARK: The end

    /// Forwards what the trap allows, and nothing in the other direction, then cuts.
    ///
    /// - Parameter found: where the trap's bytes begin; negative when that was in an earlier buffer.
    private func spring(_ trap: FaultProxy.Trap, _ bytes: ByteBuffer, _ found: Int) {
        guard let (_, sink) = ends(of: trap.direction) else { return }
        core.trap = nil
        var last = bytes
        if case .beforeForwarding = trap.moment { last = last.readSlice(length: max(found, 0)) ?? ByteBuffer() }
        self[trap.direction].append(last, FaultProxy.Speed(), at: .now())
        while let bytes = self[trap.direction].next(at: .distantFuture) { write(bytes, to: sink, trap.direction) }
        // Before the end can be seen: whoever sees it may look at the count.
        core.observed.update { $0.trappedCount += 1 }
        if case .silence = trap.ending {
            sink.flush()
            isForgotten = true
        } else {
            closeAfterFlush(of: sink, trap.ending)
        }
    }

    /// Nothing passes any more; the end comes when the operating system has what was written.
    private func closeAfterFlush(of sink: any Channel, _ ending: FaultProxy.Ending) {
        isEnding = true
        let bound = NIOLoopBound(self, eventLoop: core.loop)
        sink.writeAndFlush(ByteBuffer()).assumeIsolated().whenComplete { _ in bound.value.close(ending) }
    }

    func cut(_ ending: FaultProxy.Ending) {
        guard !isEnding else { return }
        if case .silence = ending { return isForgotten = true }
        isEnding = true
        close(ending)
    }

    private func close(_ ending: FaultProxy.Ending) {
        core.ended(self)
        for channel in [client, target].compactMap({ $0 }) {
            switch ending {
            case .finish: channel.close(promise: nil)
            case .reset: channel.resetSocket()
            case .silence: break
            }
        }
    }

    private func ends(of direction: FaultProxy.Direction) -> (source: any Channel, sink: any Channel)? {
        guard let target else { return nil }
        return direction == .toTarget ? (client, target) : (target, client)
    }

    private subscript(direction: FaultProxy.Direction) -> ProxyLane {
        _read { if direction == .toTarget { yield toTarget } else { yield toClient } }
        _modify { if direction == .toTarget { yield &toTarget } else { yield &toClient } }
    }
}

/// Tells a link what happens on one of its two channels.
final class ProxyHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let link: ProxyLink
    /// The direction whose source the channel is.
    private let source: FaultProxy.Direction

    init(link: ProxyLink, source: FaultProxy.Direction) {
        self.link = link
        self.source = source
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { link.received(unwrapInboundIn(data), source) }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        link.pump(source == .toTarget ? .toClient : .toTarget)
    }

    func channelInactive(context: ChannelHandlerContext) { link.sourceEnded(source) }

    /// A reset is an end like any other; `channelInactive` follows.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
