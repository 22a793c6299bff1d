/// A failure that libpq or the server reported.
package struct PostgresError: Error, Sendable, CustomStringConvertible {
    /// The server's five-character code (PostgreSQL manual, appendix A); nil when the connection
    /// itself failed, for which libpq has no code.
    package let sqlState: String?
    /// The server's primary message, or libpq's text about the connection.
    package let message: String
    package let detail: String?

    package init(sqlState: String?, message: String, detail: String? = nil) {
        self.sqlState = sqlState
        self.message = message
        self.detail = detail
    }

    /// True when the same work can succeed later without anybody changing it: the connection or the
    /// server went away, ran out of something, or preferred another transaction.
    package var isRetriable: Bool {
        guard let sqlState else { return true }
        switch sqlState.prefix(2) {
        case "08", "53", "58": return true  // connection, insufficient resources, system error
        case "57": return sqlState != "57014"  // operator intervention, but not a cancelled query
        case "40": return true  // transaction rollback: serialization, deadlock
        // A lock that was not to be had, a transaction that was idle or took too long, a fail-over.
        default: return ["55P03", "25P03", "25P04", "25006"].contains(sqlState)
        }
    }

    package var description: String {
        var text = message
        if let detail { text += " (\(detail))" }
        if let sqlState { text += " [SQLSTATE \(sqlState)]" }
        return text
    }
}

/// The SQLSTATEs that the product decides on.
package enum SQLState {
    package static let featureNotSupported = "0A000"
    package static let uniqueViolation = "23505"
    /// By a person, or by a time limit of the server.
    package static let queryCanceled = "57014"
    package static let inFailedTransaction = "25P02"
    package static let insufficientPrivilege = "42501"
    package static let datatypeMismatch = "42804"
    package static let wrongObjectType = "42809"
    package static let invalidFunctionDefinition = "42P13"
    package static let invalidTableDefinition = "42P16"
    package static let lockNotAvailable = "55P03"
}
