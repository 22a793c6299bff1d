/// A failure in the shape in which Google's APIs tell it.
package struct GoogleError: Error, Sendable {
    package let code: Int
    package let reason: String
    package let message: String
    package var location: String?

    package init(_ code: Int, _ reason: String, _ message: String, location: String? = nil) {
        self.code = code
        self.reason = reason
        self.message = message
        self.location = location
    }

    static func notFound(_ what: String) -> GoogleError { GoogleError(404, "notFound", "Not found: \(what)") }
    static func duplicate(_ what: String) -> GoogleError { GoogleError(409, "duplicate", "Already Exists: \(what)") }
    static func invalid(_ message: String) -> GoogleError { GoogleError(400, "invalid", message) }
    static func invalidQuery(_ message: String) -> GoogleError {
        GoogleError(400, "invalidQuery", message, location: "query")
    }
    static func tooLarge(limitBytes: Int) -> GoogleError {
        .invalid("Request payload size exceeds the limit: \(limitBytes) bytes.")
    }

    var response: HTTPResponse {
        let error: JSON = [
            "code": .number(String(code)), "message": .string(message), "errors": [item], "status": .string(status),
        ]
        return HTTPResponse(status: code, ["error": error])
    }

    /// One of `errors`.
    private var item: JSON {
        var members: [String: JSON] = [
            "reason": .string(reason), "message": .string(message), "domain": "global",
        ]
        if let location { members["location"] = .string(location) }
        return .object(members)
    }

    /// As a job tells it: without code and domain.
    var proto: JSON {
        .object(
            ["reason": .string(reason), "message": .string(message)]
                .merging(location.map { ["location": .string($0)] } ?? [:]) { own, _ in own })
    }

    private var status: String {
        switch code {
        case 400: "INVALID_ARGUMENT"
        case 401: "UNAUTHENTICATED"
        case 403: "PERMISSION_DENIED"
        case 404: "NOT_FOUND"
        case 409: "ALREADY_EXISTS"
        case 413: "INVALID_ARGUMENT"
        case 429: "RESOURCE_EXHAUSTED"
        case 501: "UNIMPLEMENTED"
        case 503: "UNAVAILABLE"
        case 504: "DEADLINE_EXCEEDED"
        default: "INTERNAL"
        }
    }
}

extension HTTPResponse {
    /// Google's front end answers so, without looking at the request: a body that is not JSON.
    static let frontEndTooLarge = HTTPResponse(
        status: 413, headers: [("Content-Type", "text/html; charset=UTF-8")],
        body: Array(
            """
            <!DOCTYPE html><html lang=en><title>Error 413 (Request Entity Too Large)!!1</title>
            <p><b>413.</b> <ins>That’s an error.</ins><p>Your client issued a request that was too large.
            """.utf8))
}
