import Foundation

/// A message from a client, read as the exchange reads it.
///
/// ```
/// [{"ticket":"any"},{"type":"ticker","codes":["KRW-BTC"],"is_only_realtime":true},{"format":"DEFAULT"}]
/// [{"ticket":"any"},{"method":"LIST_SUBSCRIPTIONS"}]
/// ```
enum SubscriptionRequest: Equatable {
    case subscribe(Subscription)
    case list(ticket: String)

    struct Subscription: Equatable {
        var ticket = ""
        var codes: [String] = []
        var isOnlySnapshot = false
        var isOnlyRealtime = false
        var format = Format.standard
    }

    enum Format: String {
        case standard = "DEFAULT"
        case simple = "SIMPLE"
        case list = "JSON_LIST"
        case simpleList = "SIMPLE_LIST"

        var isSimple: Bool { self == .simple || self == .simpleList }
        var isList: Bool { self == .list || self == .simpleList }
    }

    /// The exchange's name and words for what is wrong with a message.
    enum Refusal: String, Error {
        case wrongFormat = "WRONG_FORMAT"
        case noTicket = "NO_TICKET"
        case noType = "NO_TYPE"
        case noCodes = "NO_CODES"
        case invalidParameter = "INVALID_PARAM"
        case tooManyRequests = "Too Many Requests"

        var message: String {
            switch self {
            case .wrongFormat: "Format이 맞지 않습니다."
            case .noTicket: "티켓이 존재하지 않습니다."
            case .noType: "타입 필드가 존재하지 않습니다."
            case .noCodes: "코드 필드가 존재하지 않습니다."
            case .invalidParameter: "지원하지 않는 파라미터입니다."
            case .tooManyRequests: "너무 많은 요청입니다."
            }
        }
    }

    /// Types that the exchange has; here only tickers have data.
    private static let types: Set = ["ticker", "trade", "orderbook"]

    init(_ bytes: [UInt8]) throws(Refusal) {
        guard let json = try? JSONSerialization.jsonObject(with: Data(bytes)),
            let objects = json as? [[String: Any]]
        else { throw .wrongFormat }
        guard let ticket = objects.lazy.compactMap({ $0["ticket"] as? String }).first, !ticket.isEmpty else {
            throw .noTicket
        }
        if let method = objects.lazy.compactMap({ $0["method"] as? String }).first {
            guard method == "LIST_SUBSCRIPTIONS" else { throw .invalidParameter }
            self = .list(ticket: ticket)
            return
        }
        self = .subscribe(try Self.subscription(ticket: ticket, objects))
    }

    private static func subscription(ticket: String, _ objects: [[String: Any]]) throws(Refusal) -> Subscription {
        var result = Subscription(ticket: ticket)
        let typed = objects.filter { $0["type"] != nil }
        guard !typed.isEmpty else { throw .noType }
        for object in typed {
            guard let type = object["type"] as? String, types.contains(type) else { throw .invalidParameter }
            guard let codes = object["codes"] as? [String], !codes.isEmpty else { throw .noCodes }
            guard type == "ticker" else { continue }
            result.codes += codes
            result.isOnlySnapshot = object["is_only_snapshot"] as? Bool ?? false
            result.isOnlyRealtime = object["is_only_realtime"] as? Bool ?? false
        }
        if let name = objects.lazy.compactMap({ $0["format"] }).first {
            guard let format = (name as? String).flatMap(Format.init) else { throw .invalidParameter }
            result.format = format
        }
        return result
    }
}
