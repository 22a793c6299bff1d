/// A request with its whole body, decompressed.
package struct HTTPRequest: Sendable {
    package let method: String
    /// Percent-decoded, one for each part between slashes.
    package let path: [String]
    package let query: [String: String]
    /// Names in lower case; the last of equal names.
    package let headers: [String: String]
    package let body: [UInt8]

    /// The fields of a body of type `application/x-www-form-urlencoded`, or of a query.
    package static func form(_ text: some StringProtocol) -> [String: String] {
        var fields: [String: String] = [:]
        for pair in text.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let decoded = parts.map { percentDecoded(String($0).replacing("+", with: " ")) }
            fields[decoded[0]] = decoded.count == 2 ? decoded[1] : ""
        }
        return fields
    }
}

package struct HTTPResponse: Sendable {
    package enum Ending: Sendable {
        case complete
        /// Half of the body, then a TCP reset: the client cannot know what happened.
        case reset
    }

    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    package var ending = Ending.complete

    package init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package init(status: Int = 200, _ json: JSON) {
        self.init(
            status: status, headers: [("Content-Type", "application/json; charset=UTF-8")],
            body: Array(json.description.utf8))
    }
}

func percentDecoded(_ text: some StringProtocol) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "%"), rest.count >= 2,
            let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
        {
            bytes.append(value)
            rest = rest.dropFirst(2)
        } else {
            bytes.append(byte)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
