// The parts of BigQuery's REST resources (version 2) that the loader reads and writes. Fields are
// optional wherever Google leaves them out or an emulator might.

import FoundationEssentials

/// `{"error":{"code":403,"message":"…","errors":[{"reason":"rateLimitExceeded","message":"…"}]}}`
struct ErrorAnswer: Decodable {
    struct Detail: Decodable {
        let message: String?
        let errors: [ErrorProto]?
    }
    let error: Detail
}

struct ErrorProto: Decodable, Sendable {
    let reason: String?
    let message: String?
}

/// `{"insertErrors":[{"index":1,"errors":[{"reason":"invalid","message":"…"}]}]}`; Google leaves the
/// key out when all rows landed, some emulators send an empty list.
struct InsertAllAnswer: Decodable {
    struct RowErrors: Decodable {
        let index: Int
        let errors: [ErrorProto]?
    }
    let insertErrors: [RowErrors]?
}

struct JobReference: Codable {
    var projectId: String
    var jobId: String
    var location: String?
}

/// `{"status":{"state":"DONE","errorResult":{"reason":"…","message":"…"}},"statistics":{…}}`
struct JobAnswer: Decodable {
    struct Status: Decodable {
        let state: String?
        let errorResult: ErrorProto?
    }
    struct Statistics: Decodable {
        struct Query: Decodable {
            struct DMLStatistics: Decodable { let insertedRowCount: String? }
            let dmlStats: DMLStatistics?
        }
        let query: Query?
    }
    let status: Status?
    let statistics: Statistics?
}

/// `{"jobComplete":true,"rows":[{"f":[{"v":"51000"},{"v":null}]}]}`; every value is a string.
struct QueryAnswer: Decodable {
    struct Row: Decodable {
        struct Cell: Decodable { let v: String? }
        let f: [Cell]
    }
    let jobComplete: Bool?
    let jobReference: JobReference?
    let rows: [Row]?
}

struct QueryParameter: Encodable, Equatable {
    struct ParameterType: Encodable, Equatable { let type: String }
    struct ParameterValue: Encodable, Equatable { let value: String }
    let name: String
    let parameterType: ParameterType
    let parameterValue: ParameterValue

    static func string(_ name: String, _ value: String) -> QueryParameter {
        QueryParameter(name: name, parameterType: .init(type: "STRING"), parameterValue: .init(value: value))
    }

    static func timestamp(_ name: String, _ value: String) -> QueryParameter {
        QueryParameter(name: name, parameterType: .init(type: "TIMESTAMP"), parameterValue: .init(value: value))
    }
}

struct QueryRequest: Encodable {
    let query: String
    let queryParameters: [QueryParameter]
    let location: String
    var useLegacySql = false
    var parameterMode = "NAMED"
    var timeoutMs = 20_000
    var maxResults = 10
}

struct JobRequest: Encodable {
    struct Configuration: Encodable {
        struct Query: Encodable {
            let query: String
            let queryParameters: [QueryParameter]
            var useLegacySql = false
            var parameterMode = "NAMED"
        }
        let query: Query
    }
    let jobReference: JobReference
    let configuration: Configuration
}

struct DatasetRequest: Encodable {
    struct Reference: Encodable {
        let projectId: String
        let datasetId: String
    }
    let datasetReference: Reference
    let location: String
}

struct TableRequest: Encodable {
    struct Reference: Encodable {
        let projectId: String
        let datasetId: String
        let tableId: String
    }
    struct Schema: Encodable {
        struct Field: Encodable {
            let name: String
            let type: String
            let mode: String
        }
        let fields: [Field]
    }
    struct Partitioning: Encodable {
        let type: String
        let field: String
        var expirationMs: String?
    }
    struct Clustering: Encodable { let fields: [String] }

    let tableReference: Reference
    let schema: Schema
    let timePartitioning: Partitioning
    let clustering: Clustering
}

/// `{"creationTime":"1767243600000","schema":{"fields":[{"name":"trade_price","type":"NUMERIC","precision":"10"}]}}`
struct TableAnswer: Decodable {
    struct Schema: Decodable {
        struct Field: Decodable {
            let name: String
            let type: String
            var precision: String?
            var scale: String?
        }
        let fields: [Field]?
    }
    let schema: Schema?
    /// Milliseconds since 1970.
    var creationTime: String?

    var createdAt: Date? {
        creationTime.flatMap { Double($0) }.map { Date(timeIntervalSince1970: $0 / 1_000) }
    }
}

extension TableAnswer {
    private enum Key: CodingKey { case schema, creationTime }

    /// Nothing rests on when a table was created, so an emulator may tell it as it likes.
    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Key.self)
        self.init(
            schema: try values.decodeIfPresent(Schema.self, forKey: .schema),
            creationTime: try? values.decode(String.self, forKey: .creationTime))
    }
}
