// swift-tools-version: 6.2
import PackageDescription

/// The plan of the house: one target a room, arrows point one way
/// (executables → Shared modules → C). README.md has the file map.

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
/// The types of a request, which AsyncHTTPClient shows and does not hand on.
let http: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
]
/// Of the admin port.
let httpServer = http + [.product(name: "NIOPosix", package: "swift-nio")]
let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
    .product(name: "NIOWebSocket", package: "swift-nio"),
    .product(name: "NIOSSL", package: "swift-nio-ssl"),
    .product(name: "NIOHTTPCompression", package: "swift-nio-extras"),
]

/// A C library from Debian's `-dev` package, found by pkg-config.
func system(_ name: String, pkgConfig: String, apt: String) -> Target {
    .systemLibrary(name: name, path: "Sources/Shared/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

/// A module that the services share.
func shared(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/Shared/\(name)", swiftSettings: settings)
}

/// One of the three services.
func service(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies + [logging, argumentParser, serviceLifecycle],
        path: "Sources/\(name)", swiftSettings: settings)
}

/// The tests of one room.
func tests(of name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.init(stringLiteral: name), "TestSupport"] + dependencies,
        path: "Tests/\(name)Tests", swiftSettings: settings)
}

let package = Package(
    name: "ticker-pipeline",
    products: [
        .executable(name: "producer", targets: ["Producer"]),
        .executable(name: "consumer", targets: ["Consumer"]),
        .executable(name: "loader", targets: ["Loader"]),
        .executable(name: "sandbox", targets: ["Sandbox"]),
        .executable(name: "benchmarks", targets: ["Benchmarks"]),
        .executable(name: "faults", targets: ["Faults"]),
        .executable(name: "manual", targets: ["Manual"]),
        .executable(name: "units", targets: ["Units"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        system("CRDKafka", pkgConfig: "rdkafka", apt: "librdkafka-dev"),
        system("CPostgres", pkgConfig: "libpq", apt: "libpq-dev"),
        system("CWebSockets", pkgConfig: "libwebsockets", apt: "libwebsockets-dev"),
        system("COpenSSL", pkgConfig: "libcrypto", apt: "libssl-dev"),
        system("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
        // Of the C library itself.
        .systemLibrary(name: "CMalloc", path: "Sources/Shared/CMalloc"),

        // No library: instructions of the processor.
        .systemLibrary(name: "CProcessor", path: "Sources/Shared/CProcessor"),

        shared("Market"),
        shared("Kafka", ["CRDKafka", logging]),
        shared("Postgres", ["CPostgres"]),
        shared("WebSocket", ["CWebSockets"]),
        shared("Runtime", [argumentParser, logging, serviceLifecycle, unixSignals] + httpServer),

        service("Producer", ["Market", "WebSocket", "Kafka", "Runtime", "CProcessor"]),
        service("Consumer", ["Market", "Kafka", "Postgres", "Runtime"]),
        service("Loader", ["Market", "Postgres", "Runtime", "COpenSSL", "CZlib", "CMalloc", asyncHTTPClient] + http),

        // Makes pages of the manual of what the services' help says, for `make install`.
        .executableTarget(name: "Manual", path: "Tests/Manual", swiftSettings: settings),

        // The outside world, for tests, the sandbox and the benchmarks. Never part of a service.
        .target(
            name: "TestSupport",
            dependencies: ["Market", "CRDKafka", "COpenSSL", "Kafka", "Postgres", "Runtime", logging, asyncHTTPClient]
                + nio,
            path: "Tests/TestSupport", exclude: ["debian.bash", "prometheus.sh", "timescaledb.sh"],
            swiftSettings: settings),
        .executableTarget(
            name: "Sandbox", dependencies: ["Market", "Kafka", "Postgres", "Runtime", "TestSupport", argumentParser],
            path: "Tests/Sandbox", swiftSettings: settings),
        .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter"),
        .executableTarget(
            name: "Benchmarks",
            dependencies: [
                "CAllocationCounter", "CRDKafka", "Market", "Postgres", "Runtime", "TestSupport", "WebSocket",
                argumentParser, asyncHTTPClient,
            ] + nio,
            path: "Tests/Benchmarks", exclude: ["ratios.json"], swiftSettings: settings),
        .executableTarget(
            name: "Faults", dependencies: ["Market", "Postgres", "Runtime", "TestSupport", argumentParser],
            path: "Tests/Faults", swiftSettings: settings),

        .executableTarget(
            name: "Units", dependencies: ["TestSupport", argumentParser], path: "Tests/Units", swiftSettings: settings),

        tests(of: "Market"),
        tests(of: "Kafka", ["Runtime"]),
        tests(of: "Postgres", ["Runtime"]),
        tests(of: "WebSocket", ["Runtime"]),
        tests(of: "Runtime", [logging]),
        tests(of: "Producer", ["Kafka", "Market", "Runtime", logging]),
        tests(of: "Consumer", ["Runtime", logging]),
        tests(of: "Loader", ["Market", "Postgres", "Runtime", "COpenSSL", argumentParser, asyncHTTPClient, logging]),
        tests(of: "Faults", ["Postgres"]),
        // What is no Swift and runs in production all the same: alerts, dashboards, their documents.
        .testTarget(
            name: "OperationsTests",
            dependencies: ["Consumer", "Loader", "Postgres", "Runtime", "TestSupport", logging],
            path: "Tests/OperationsTests", swiftSettings: settings),
        tests(of: "Benchmarks", ["Kafka"]),
        tests(of: "Manual"),
        .testTarget(
            name: "InstallTests", dependencies: ["TestSupport"], path: "Tests/InstallTests", swiftSettings: settings),
        .testTarget(
            name: "TestSupportTests", dependencies: ["TestSupport", "Postgres", asyncHTTPClient] + nio,
            path: "Tests/TestSupportTests", swiftSettings: settings),
    ]
)
