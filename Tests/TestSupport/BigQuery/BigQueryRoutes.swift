/// What a request is about, with the names in its path.
enum Route: Sendable {
    case datasets
    case dataset(String)
    case tables(dataset: String)
    case table(TableName)
    case insertAll(TableName)
    case query
    case jobs
    case job(String)
    case queryResults(job: String)
    case token
    case metadata

    /// Nil when there is no such thing.
    init?(_ request: HTTPRequest, project: String) {
        let path = request.path
        switch (request.method, path.first) {
        case ("POST", "token") where path.count == 1: self = .token
        case ("GET", "computeMetadata") where path.count > 2 && path[1] == "v1": self = .metadata
        default:
            guard path.count >= 5, Array(path[..<4]) == ["bigquery", "v2", "projects", project] else { return nil }
            self.init(method: request.method, Array(path[4...]))
        }
    }

    private init?(method: String, _ path: [String]) {
        let names = path.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
        let kinds = path.enumerated().filter { $0.offset % 2 == 0 }.map(\.element).joined(separator: "/")
        switch (method, kinds, names.count) {
        case ("POST", "datasets", 0): self = .datasets
        case ("GET", "datasets", 1): self = .dataset(names[0])
        case ("POST", "datasets/tables", 1): self = .tables(dataset: names[0])
        case ("GET", "datasets/tables", 2): self = .table(TableName(dataset: names[0], table: names[1]))
        case ("POST", "datasets/tables/insertAll", 2):
            self = .insertAll(TableName(dataset: names[0], table: names[1]))
        case ("POST", "queries", 0): self = .query
        case ("POST", "jobs", 0): self = .jobs
        case ("GET", "jobs", 1): self = .job(names[0])
        case ("GET", "queries", 1): self = .queryResults(job: names[0])
        default: return nil
        }
    }

    var endpoint: Endpoint {
        switch self {
        case .datasets: .createDataset
        case .dataset: .getDataset
        case .tables: .createTable
        case .table: .getTable
        case .insertAll: .insertAll
        case .query: .query
        case .jobs: .createJob
        case .job: .getJob
        case .queryResults: .getQueryResults
        case .token: .token
        case .metadata: .metadata
        }
    }
}
