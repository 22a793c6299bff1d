import Postgres

/// How the three services are started over one outside world. Nothing of the user's own settings reaches
/// them, and each process ends with ours.
package struct PipelineServices: Sendable {
    private let folder: String
    private let kafka: [String: String]
    private var database: [String: String]
    private let warehouse: [String: String]

    init(folder: String, broker: Broker, database: PostgresConfiguration, warehouse: any PipelineWarehouse) {
        self.folder = folder
        // A group of the topic's own: the default one may be somebody's, on somebody's broker.
        kafka = ["KAFKA_SERVERS": broker.servers, "KAFKA_TOPIC": broker.topic, "KAFKA_GROUP_ID": broker.topic]
        self.database = [
            "TIMESCALEDB_HOST": database.host, "TIMESCALEDB_PORT": "\(database.port)",
            "TIMESCALEDB_DBNAME": database.database, "TIMESCALEDB_USER": database.user,
        ]
        self.warehouse = warehouse.loaderSettings
    }

    /// The same, with the database behind another port, such as a proxy's.
    package func reachingDatabase(at port: Int) -> PipelineServices {
        var copy = self
        copy.database["TIMESCALEDB_PORT"] = "\(port)"
        return copy
    }

    /// What a service is told, for who starts it otherwise.
    package func settings(of service: String) -> [String: String] {
        switch service {
        case "producer": kafka.merging(["PRODUCER_ID": "sandbox"]) { $1 }
        case "consumer": database.merging(kafka) { $1 }
        default: database.merging(kafka) { $1 }.merging(warehouse) { $1 }
        }
    }

    /// - Parameter disk: one that it sees; see ``SmallDisk``.
    package func producer(_ extra: [String: String], on disk: SmallDisk? = nil) throws -> ChildProcess {
        try start("producer", settings(of: "producer").merging(extra) { $1 }, on: disk)
    }

    package func consumer(_ extra: [String: String] = [:]) throws -> ChildProcess {
        try start("consumer", settings(of: "consumer").merging(extra) { $1 })
    }

    package func loader(_ arguments: [String], _ extra: [String: String] = [:]) throws -> ChildProcess {
        try start("loader", settings(of: "loader").merging(extra) { $1 }, arguments)
    }

    private func start(
        _ name: String, _ settings: [String: String], _ arguments: [String] = [], on disk: SmallDisk? = nil
    ) throws -> ChildProcess {
        let environment = ["ADMIN_PORT": "0"].merging(settings) { $1 }.merging([
            "PATH": "/usr/bin:/bin", "HOME": folder,
        ]) { $1 }
        let program = (executable: try BuiltProduct.path(name), arguments: arguments)
        let command = disk?.entering(program, folder: folder) ?? program
        return try ChildProcess(command.executable, command.arguments, environment: environment, folder: folder)
    }
}
