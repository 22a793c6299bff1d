import NIOCore
import NIOWebSocket
import Runtime

/// Plays one session to whoever listens. Lives on the exchange's event loop.
///
/// It pulls: frames are made only when they are due and every listener can take them, so a slow
/// listener slows the session and memory stays bounded by the sockets' watermarks.
final class SessionPlayer {
    let session: Session
    private let playback: Playback
    private let loop: any EventLoop
    private let observed: WatchedValue<ExchangeObservations>
    /// Whose connections it plays to.
    weak var exchange: ExchangeCore?

    private(set) var isPlaying = false
    /// A write can make a socket writable within the same call; that must not start a turn in a turn.
    private var isInTurn = false
    private var walk: SessionWalk
    private var clock: PlaybackClock
    private var wake: Scheduled<Void>?
    private var frame: [UInt8] = []
    /// Faults that change the next frame.
    private var alterations: [ExchangeFault] = []
    private var faultsDone = -1
    /// When each frame that is behind was sent the last time, for whoever goes back to one.
    private var sentTimes: [Int64] = []
    /// Of the turn at hand: no frame of it leaves earlier.
    private var turnTime: Int64 = 0
    /// Nobody has got a frame since the session went on for a new connection.
    private var isResumed = false

    /// A turn on the event loop makes at most this many frames, then others have theirs.
    private static let framesPerTurn = 256

    init(
        session: Session, playback: Playback, loop: any EventLoop, observed: WatchedValue<ExchangeObservations>
    ) {
        self.session = session
        self.playback = playback
        self.loop = loop
        self.observed = observed
        walk = SessionWalk(session)
        clock = PlaybackClock(pace: playback.pace)
    }

    /// What a snapshot is made of.
    var encoder: TickerEncoder { walk.encoder }

    /// Each new connection says where the session goes on.
    var rewinds: Bool { playback.absence == .rewinds }

    func resume() {
        guard !isPlaying else { return }
        isPlaying = true
        clock.restart()
        pump()
    }

    func pause() {
        isPlaying = false
        wake?.cancel()
    }

    /// Somebody listens: play, when that was waited for, or go on.
    func listenerCame() {
        if playback.start == .firstSubscription, !isPlaying, walk.position == 0 { resume() } else { pump() }
    }

    /// Goes back to a frame, counted from 0; returns how many frames had been played until now.
    func rewind(to position: Int) -> Int {
        let reached = walk.position
        walk.rewind(to: position)
        sentTimes.removeLast(max(0, sentTimes.count - walk.position))
        isResumed = true
        clock.restart()
        // Whoever paused the session goes by this, and nothing else would tell before it is resumed.
        observed.update { $0.playback.position = walk.position }
        if observed.value.playback.isFinished, walk.next != nil {
            observed.update { $0.playback.isFinished = false }
            isPlaying = true
        }
        return reached
    }

    /// When a frame, counted from 0, was sent the last time: microseconds since 1970. Nil when it was not, or when
    /// nobody can go back to it.
    func timeOfFrame(_ number: Int) -> Int64? { sentTimes.indices.contains(number) ? sentTimes[number] : nil }

    func alterNextFrame(_ fault: ExchangeFault) { alterations.append(fault) }

    /// Sends what is due, then asks to be called when the next frame is.
    func pump() {
        guard isPlaying, !isInTurn else { return }
        isInTurn = true
        defer { isInTurn = false }
        wake?.cancel()
        var listeners = self.listeners
        if listeners.isEmpty, playback.absence != .lost {
            clock.restart()
            return
        }
        var progress = PlaybackProgress()
        turnTime = Int64(microsecondsSince1970())
        for _ in 0..<Self.framesPerTurn {
            guard let trade = walk.next, clock.isDue(walk.position, trade) else { break }
            guard listeners.allSatisfy(\.isWritable) else { break }
            if beginFaults() {
                // A fault may have ended or stalled connections; this frame is for those that are left.
                listeners = self.listeners
                if listeners.isEmpty, playback.absence != .lost { break }
            }
            frame.removeAll(keepingCapacity: true)
            walk.encode(into: &frame)
            deliver(trade, to: listeners, &progress)
        }
        finishTurn(listeners, progress)
    }

    private var listeners: [ExchangeConnection] { exchange?.connections.filter(\.isListening) ?? [] }

    /// True when faults happened before the frame at hand.
    private func beginFaults() -> Bool {
        guard faultsDone < walk.position, let faults = playback.faults[walk.position] else { return false }
        faultsDone = walk.position
        for fault in faults { exchange?.perform(fault) }
        return true
    }

    private func deliver(_ trade: Trade, to listeners: [ExchangeConnection], _ progress: inout PlaybackProgress) {
        progress.playedCount += 1
        if rewinds { sentTimes.append(turnTime) }
        guard !listeners.isEmpty else {
            progress.lostCount += 1
            return
        }
        let receivers = listeners.filter { $0.wanted[trade.market] }
        guard !receivers.isEmpty else {
            progress.unwantedCount += 1
            return
        }
        noteFirstFrame()
        let alterations = alterations
        self.alterations = []
        for receiver in receivers { receiver.append(frame, alterations) }
        progress.delivered.add(trade)
    }

    private func noteFirstFrame() {
        guard isResumed else { return }
        isResumed = false
        observed.update { [turnTime] in $0.resumptions[$0.resumptions.count - 1].firstSent = turnTime }
    }

    private func finishTurn(_ listeners: [ExchangeConnection], _ progress: PlaybackProgress) {
        // All connections, not only those that still listen: what came before a fault must go out.
        let flushes = exchange?.connections.map { $0.flush() } ?? []
        if progress.playedCount > 0 {
            observed.update {
                $0.playback.add(progress)
                $0.playback.position = walk.position
            }
        }
        guard let trade = walk.next else { return finish(flushes) }
        // Someone who cannot take more calls `pump` when he can.
        guard listeners.allSatisfy(\.isWritable) else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        if clock.isDue(walk.position, trade) {
            wake = nil
            loop.execute { bound.value.pump() }
        } else {
            wake = loop.scheduleTask(deadline: clock.dueTime(walk.position, trade)) { bound.value.pump() }
        }
    }

    private func finish(_ flushes: [EventLoopFuture<Void>]) {
        isPlaying = false
        let bound = NIOLoopBound(self, eventLoop: loop)
        EventLoopFuture.andAllComplete(flushes, on: loop).assumeIsolated().whenComplete { [observed] _ in
            // A client that came meanwhile may have asked for frames again.
            guard bound.value.walk.next == nil else { return bound.value.resume() }
            observed.update { $0.playback.isFinished = true }
        }
    }
}

extension ExchangeConnection {
    /// Puts a frame of the session behind what waits, with what goes wrong on its way.
    fileprivate func append(_ frame: [UInt8], _ alterations: [ExchangeFault]) {
        guard subscription?.format != .standard || !alterations.isEmpty else { return append(frame) }
        var payload = subscription.map { $0.format.rewrite(frame) } ?? frame
        var opcode = WebSocketOpcode.binary
        var pieces = 1
        for alteration in alterations {
            switch alteration {
            case .fragment(let count): pieces = min(max(count, 1), payload.count)
            case .textFrame: opcode = .text
            case .pad(let size): payload.pad(to: size)
            default: break
            }
        }
        let size = (payload.count + pieces - 1) / pieces
        for start in stride(from: 0, to: payload.count, by: size) {
            let end = min(start + size, payload.count)
            append(payload[start..<end], opcode: start == 0 ? opcode : .continuation, isFinal: end == payload.count)
        }
    }
}

extension [UInt8] {
    /// An unknown field at the end of the object makes it at least `size` bytes long.
    fileprivate mutating func pad(to size: Int) {
        guard last == UInt8(ascii: "}") else { return }
        removeLast()
        self += #","padding":""#.utf8
        self += [UInt8](repeating: UInt8(ascii: "x"), count: Swift.max(size - count - 2, 0))
        self += #""}"#.utf8
    }
}

extension PlaybackProgress {
    fileprivate mutating func add(_ turn: PlaybackProgress) {
        playedCount += turn.playedCount
        lostCount += turn.lostCount
        unwantedCount += turn.unwantedCount
        delivered.add(turn.delivered)
    }
}
