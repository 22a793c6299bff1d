/// The login of one connection by name and password (SASL mechanism PLAIN, RFC 4616), in the requests that
/// Kafka carries it in: a handshake that names the mechanism, then one message.
package struct SASLPlain {
    package struct Login: Equatable, Sendable {
        package let user: String
        package let password: String

        package init(user: String, password: String) {
            self.user = user
            self.password = password
        }
    }

    private let expected: Login?
    private var isOpen: Bool

    /// - Parameter expected: nil lets everybody in, and knows of no login.
    init(_ expected: Login?) {
        self.expected = expected
        isOpen = expected == nil
    }

    /// The answer to a request that is the login's own; nil for others, once they are allowed.
    ///
    /// - Throws: for whatever a client asks before it has logged in, and the connection ends.
    mutating func answer(_ header: MemoryBroker.Header, _ body: inout WireReader) throws -> WireWriter? {
        switch MemoryBroker.API(rawValue: header.api) {
        case .versions: return nil
        case .handshake where expected != nil: return try handshake(&body)
        case .authenticate where expected != nil: return try authenticate(&body)
        default:
            guard isOpen else { throw WireReader.Truncated() }
            return nil
        }
    }

    private func handshake(_ body: inout WireReader) throws -> WireWriter {
        let mechanism = try body.string()
        var answer = WireWriter()
        answer.int16((mechanism == "PLAIN" ? KafkaCode.none : .unsupportedMechanism).rawValue)
        answer.array(["PLAIN"]) { $0.string($1) }
        return answer
    }

    /// The message is `[role] NUL user NUL password`.
    private mutating func authenticate(_ body: inout WireReader) throws -> WireWriter {
        let fields = try body.byteString().split(separator: 0, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        isOpen = fields.count == 3 && Login(user: fields[1], password: fields[2]) == expected
        var answer = WireWriter()
        answer.int16((isOpen ? KafkaCode.none : .authenticationFailed).rawValue)
        answer.string(isOpen ? nil : "no such user, or another password")
        answer.byteString([])
        return answer
    }
}
