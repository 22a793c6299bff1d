import Glibc
import Testing

@testable import Postgres

@Suite("The watch over a connection", .timeLimit(.minutes(1)))
struct AnswerWatchTests {
    /// Two sockets that are connected.
    private func pair() throws -> (CInt, CInt) {
        var sockets: [CInt] = [-1, -1]
        try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &sockets) == 0)
        return (sockets[0], sockets[1])
    }

    /// Blocks until one of `sockets` has something to read, if only its end, and returns those that have.
    private func readable(_ sockets: [CInt]) -> [CInt] {
        var polls = sockets.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        poll(&polls, nfds_t(polls.count), 30_000)
        return polls.filter { $0.revents != 0 }.map(\.fd)
    }

    @Test("It ends its own connection, also when libpq closed it and its number is another's by then")
    func reusedNumber() throws {
        let (client, server) = try pair()
        let (other, otherEnd) = try pair()
        defer { for socket in [client, server, other, otherEnd] { close(socket) } }
        let watch = try #require(AnswerWatch(socket: client, limit: .milliseconds(40)))
        defer { watch.stop() }
        try #require(dup2(other, client) == client)
        #expect(watch.during { readable([server, otherEnd]) } == [server])
        #expect(watch.hasEnded)
    }

    @Test("Once it is stopped the other side hears that the connection is closed")
    func stop() throws {
        let (client, server) = try pair()
        defer { close(server) }
        let watch = try #require(AnswerWatch(socket: client, limit: .seconds(60)))
        close(client)
        watch.stop()
        #expect(readable([server]) == [server] && !watch.hasEnded)
    }
}
