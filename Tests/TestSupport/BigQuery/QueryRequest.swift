/// A query as jobs.query and jobs.insert take it.
struct QueryRequest: Sendable {
    let text: String
    let types: [String: ColumnType]
    private let values: [String: String?]

    /// - Parameter query: the body of jobs.query, or `configuration.query` of jobs.insert.
    init(_ query: JSON) throws(GoogleError) {
        guard let text = query["query"]?.text, !text.isEmpty else {
            throw .invalid("Required parameter is missing: query")
        }
        // Left out it means true: legacy SQL, which is another language.
        guard query["useLegacySql"]?.flag == false else { throw .invalid("useLegacySql must be false") }
        if query["dryRun"]?.flag == true { throw GoogleError(501, "notImplemented", "The fake has no dry runs") }
        if query["destinationTable"] != nil {
            throw GoogleError(501, "notImplemented", "The fake has no destination tables")
        }
        let parameters = query["queryParameters"]?.elements ?? []
        if !parameters.isEmpty, query["parameterMode"]?.text != "NAMED" {
            throw .invalid("parameterMode must be NAMED")
        }
        var types: [String: ColumnType] = [:]
        var values: [String: String?] = [:]
        for parameter in parameters {
            let (name, type, value) = try Self.read(parameter)
            types[name] = type
            values[name] = .some(value)
        }
        self.text = text
        self.types = types
        self.values = values
    }

    private static func read(_ parameter: JSON) throws(GoogleError) -> (String, ColumnType, String?) {
        guard let name = parameter["name"]?.text,
            let type = parameter["parameterType"]?["type"]?.text.flatMap({ ColumnType(name: $0) })
        else { throw .invalid("Invalid query parameter") }
        guard let value = parameter["parameterValue"]?["value"] else { return (name, type, nil) }
        // The API's values are strings, whatever their type.
        guard value.text != nil, case .success(let text) = type.postgresText(value) else {
            throw .invalidQuery("Invalid value for query parameter \(name) of type \(type.rawValue)")
        }
        return (name, type, text)
    }

    func run(on warehouse: Warehouse, project: String, now: Int64) async throws(GoogleError) -> QueryResult {
        let translation = try SQLTranslation(text, project: project, types: types, now: now)
        let values = translation.parameters.map { self.values[$0] ?? nil }
        return try await warehouse.run(translation, values: values, project: project, now: now)
    }
}
