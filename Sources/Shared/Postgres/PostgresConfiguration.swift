/// Where a database is and how to reach it. The names follow libpq's connection parameters.
package struct PostgresConfiguration: Sendable {
    /// A host name, an address, or the absolute path of a socket's folder.
    package var host: String
    /// 1 to 65535.
    package var port: Int
    package var database: String
    package var user: String
    /// A secret: it reaches libpq and nothing else, no log and no error.
    package var password: String?
    /// libpq's `sslmode`: `disable`, `prefer`, `require`, `verify-ca`, `verify-full`.
    package var sslMode: String
    /// A PEM file of authorities to trust, or `system` (libpq 16 and later).
    package var sslRootCertificate: String?
    /// Shown in `pg_stat_activity`.
    package var applicationName: String
    /// The server's settings for this session, such as `lock_timeout`; names and values without spaces.
    package var sessionSettings: [(name: String, value: String)]
    /// How long the server may keep silent in a call before the connection counts as lost; nil is for ever. A
    /// statement that works, or waits for a lock, is silent until its first row.
    package var answerTimeout: Duration?
    /// Called on the connection's thread whenever the server has answered, or taken data, for who watches the thread.
    package var onAnswer: (@Sendable () -> Void)?

    package init(
        host: String, port: Int, database: String, user: String, password: String? = nil,
        sslMode: String = "prefer", sslRootCertificate: String? = nil, applicationName: String,
        sessionSettings: [(name: String, value: String)] = [], answerTimeout: Duration? = nil
    ) {
        self.host = host
        self.port = port
        self.database = database
        self.user = user
        self.password = password
        self.sslMode = sslMode
        self.sslRootCertificate = sslRootCertificate
        self.applicationName = applicationName
        self.sessionSettings = sessionSettings
        self.answerTimeout = answerTimeout
    }

    /// The parameters for `PQconnectdbParams`.
    ///
    /// The time limits are what makes a vanished server noticed: without them a lost network keeps a
    /// blocking call waiting for hours. They are as short as they are so that work goes on within 5 s of
    /// the network's return: TCP itself tries a connection again after 1 and 3 s, next after 7, and silence
    /// with ever longer pauses.
    var parameters: [(keyword: String, value: String)] {
        var parameters = [
            ("host", host), ("port", String(port)), ("dbname", database), ("user", user),
            ("sslmode", sslMode), ("application_name", applicationName),
            ("connect_timeout", "4"), ("keepalives_idle", "5"), ("keepalives_interval", "2"),
            ("keepalives_count", "3"), ("tcp_user_timeout", "8000"), ("client_encoding", "UTF8"),
            (
                "options",
                (Self.sessionSettings + sessionSettings).map { "-c \($0.name)=\($0.value)" }.joined(separator: " ")
            ),
        ]
        if let password { parameters.append(("password", password)) }
        if let sslRootCertificate { parameters.append(("sslrootcert", sslRootCertificate)) }
        return parameters
    }

    private static let sessionSettings = [
        // Text of times and numbers must not depend on how the server or the role is set up.
        (name: "timezone", value: "UTC"), ("datestyle", "ISO"), ("extra_float_digits", "3"),
        ("client_min_messages", "error"),
        // The server has to notice a client that vanished too: its locks and its transaction go with it.
        ("tcp_keepalives_idle", "10"), ("tcp_keepalives_interval", "5"), ("tcp_keepalives_count", "3"),
        ("tcp_user_timeout", "20000"),
    ]
}

/// Shown in logs and errors, where the password must not be.
extension PostgresConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "\(user)@\(host):\(port)/\(database)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
