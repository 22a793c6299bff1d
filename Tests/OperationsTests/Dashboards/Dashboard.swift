import Foundation

/// A dashboard of docker/grafana/dashboards, as far as tests look at it. Other keys are Grafana's own business.
struct Dashboard: Decodable {
    let uid: String
    let title: String
    let schemaVersion: Int
    let panels: [Panel]
    let annotations: Annotations
    let templating: Templating

    struct Panel: Decodable {
        let id: Int
        let type: String
        let title: String
        let gridPos: Place
        let datasource: DataSource?
        let targets: [Target]?
        let options: Options?
    }

    struct Place: Decodable {
        let x, y, w, h: Int
    }

    struct DataSource: Decodable, Hashable {
        let type: String
        let uid: String
    }

    /// What a panel, or an annotation, asks.
    struct Target: Decodable {
        let refId: String
        let datasource: DataSource
        let rawSql: String?
        let format: String?
        let expr: String?
    }

    struct Annotations: Decodable {
        let list: [Annotation]
    }

    struct Annotation: Decodable {
        let name: String
        let datasource: DataSource
        let target: Target
    }

    struct Templating: Decodable {
        let list: [Variable]
    }

    struct Variable: Decodable {
        let name: String
        let type: String
        let query: String
        let datasource: DataSource?
        let current: Current
    }

    struct Current: Decodable {
        let value: String
    }

    struct Options: Decodable {
        /// What a candlestick takes from which column.
        let fields: [String: String]?
        let reduceOptions: Reduction?
    }

    struct Reduction: Decodable {
        /// A regular expression for the column that is shown; empty is any number.
        let fields: String
    }

    static let folder = "docker/grafana/dashboards"

    static func all() throws -> [Dashboard] {
        try Repository.files(in: folder).map {
            try JSONDecoder().decode(Dashboard.self, from: Data(Repository.text("\(folder)/\($0)").utf8))
        }
    }

    /// Everything that it asks Prometheus.
    var expressions: [String] { panels.flatMap { $0.targets ?? [] }.compactMap(\.expr) }
}
