/// Why a connection or a request failed, in libwebsockets' words.
package struct WebSocketError: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
