/// What Grafana's PostgreSQL data source makes of a statement before it sends it: first the browser puts in the
/// variables' values, then the server replaces `$__macro(argument, …)`.
struct SQLMacros {
    let from = "2026-05-12T00:00:00Z"
    let to = "2026-05-12T06:00:00Z"
    let variables: [String: String]
    /// The data source's option `timescaledb`.
    let usesTimeBucket: Bool

    /// - Throws: ``UnknownMacro`` for one that Grafana, or this, does not know.
    func expand(_ statement: String) throws -> String {
        var text = statement
        for (name, value) in variables { text.replace("$\(name)", with: value.replacing("'", with: "''")) }
        text = try text.replacing(/\$([_a-zA-Z0-9]+)\(([^)]*)\)/) { call in
            let arguments = call.2.split(separator: ",").map { String($0.trimming(" ")) }
            return try replacement(of: String(call.1), arguments)
        }
        if let rest = text.firstMatch(of: /\$\{?[a-zA-Z_]+/) { throw UnknownMacro(name: String(rest.0)) }
        return text
    }

    struct UnknownMacro: Error {
        let name: String
    }

    private func replacement(of macro: String, _ arguments: [String]) throws -> String {
        switch (macro, arguments.count) {
        case ("__timeFilter", 1): return "\(arguments[0]) BETWEEN '\(from)' AND '\(to)'"
        case ("__timeFrom", 0): return "'\(from)'"
        case ("__timeTo", 0): return "'\(to)'"
        case ("__timeGroup", 2): return try group(arguments)
        case ("__timeGroupAlias", 2): return try group(arguments) + " AS \"time\""
        default: throw UnknownMacro(name: macro)
        }
    }

    private func group(_ arguments: [String]) throws -> String {
        let interval = arguments[1].trimming("'")
        guard let unit = interval.last.flatMap({ ["s": 1, "m": 60, "h": 3_600, "d": 86_400][$0] }),
            let number = Int(interval.dropLast())
        else { throw UnknownMacro(name: interval) }
        let seconds = number * unit
        return usesTimeBucket
            ? "time_bucket('\(seconds).000s',\(arguments[0]))"
            : "floor(extract(epoch from \(arguments[0]))/\(seconds))*\(seconds)"
    }
}

extension StringProtocol {
    /// Without `character` at both ends.
    fileprivate func trimming(_ character: Character) -> String {
        String(drop { $0 == character }.reversed().drop { $0 == character }.reversed())
    }
}
