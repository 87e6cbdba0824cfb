// swift-tools-version: 6.2
import PackageDescription

/// The settings of every target; CONTRIBUTING.md gives the reasons.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let certificates = Target.Dependency.product(name: "X509", package: "swift-certificates")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdTLS = Target.Dependency.product(name: "HummingbirdTLS", package: "hummingbird")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let jwtKit = Target.Dependency.product(name: "JWTKit", package: "jwt-kit")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let swiftASN1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

func module(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil) -> Target {
    .target(
        name: name, dependencies: dependencies, exclude: ["README.md"], resources: resources, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.byName(name: name), "TestKit"] + dependencies, exclude: exclude,
        swiftSettings: settings)
}

let package = Package(
    name: "martlet",
    products: [
        .executable(name: "martlet", targets: ["martlet"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", exact: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", exact: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        // Without its traits it needs no more of Foundation than FoundationEssentials.
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2", traits: []),
        .package(url: "https://github.com/vapor/jwt-kit", exact: "5.7.1"),
    ],
    targets: [
        // C doors: system libraries, the system calls that Swift can't make safely, and vectors beyond the least processor's.
        .systemLibrary(name: "CCompress", providers: [.apt(["zlib1g-dev", "libzstd-dev", "liblzma-dev"])]),
        .target(name: "CHighway"),
        .target(name: "CHost"),
        .target(name: "CPKCS11"),
        .target(name: "CSandbox"),
        .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
        .target(name: "CYAMLDoor", dependencies: [yams]),

        // Level 0
        module("Bytes", ["CHighway", crypto]),
        module("Host", ["Bytes", "CCompress", "CHost", subprocess, systemPackage]),
        // Level 1
        module("Attest", ["Bytes"]),
        module("Database", ["Bytes", "CSQLite", "Host", systemPackage]),
        module("Graph"),
        module("Git", ["Bytes", "Host", systemPackage]),
        module("Keys", ["Bytes", "CPKCS11", "Host", crypto, cryptoExtras, swiftASN1, systemPackage]),
        module("Ledger", ["Bytes", "Keys"]),
        module("TUF", ["Bytes", "Host", "Keys", systemPackage]),
        module("Wire", ["Bytes", asyncHTTPClient, nioCore, nioHTTP, nioPosix, nioSSL]),
        module("Sandbox", ["Bytes", "CSandbox", "Host", subprocess, systemPackage]),
        // Level 2
        module("Cache", ["Bytes", "Host", systemPackage]),
        module("Inventory", ["Attest", "Bytes", "Host", "Workspace", systemPackage]),
        module("Registry", ["Bytes", "Host", "Wire", systemPackage]),
        module("TileLog", ["Bytes", "Host", "Keys", "Ledger", systemPackage]),
        module("Workspace", ["Bytes", "CYAMLDoor", "Host", "Graph", "Sandbox", systemPackage]),
        module(
            "Sigstore",
            ["Attest", "Bytes", "Host", "Keys", "Ledger", "TUF", "Wire", certificates, swiftASN1, systemPackage]),
        // Level 3
        module(
            "Authority",
            [
                "Bytes", "Database", "Host", "Keys", "Ledger", "Sigstore", "TUF", "TileLog", "Wire", certificates,
                jwtKit, swiftASN1, systemPackage,
            ]),
        module(
            "Build",
            [
                "Attest", "Bytes", "Cache", "Git", "Graph", "Host", "Image", "Inventory", "Keys", "Registry", "Sandbox",
                "Sigstore", "Wire", "Workspace",
                systemPackage,
            ]),
        module("Lineage", ["Attest", "Bytes", "Database", "Host", "Inventory", systemPackage]),
        module(
            "Image",
            ["Attest", "Bytes", "Host", "Inventory", "Keys", "Registry", "Wire", "Workspace", systemPackage]),
        module(
            "Policy", ["Attest", "Bytes", "Cache", "Host", "Keys", "Registry", "Sigstore", "Workspace", systemPackage]),
        // Level 4
        module(
            "RemoteCache",
            [
                "Attest", "Build", "Bytes", "Cache", "Host", "Keys", "Policy", "Registry", "Sandbox", "Sigstore",
                "Wire",
                "Workspace", systemPackage,
            ]),
        module(
            "Reports",
            [
                "Attest", "Build", "Bytes", "Host", "Keys", "Ledger", "Policy", "Registry", "Sigstore", "Workspace",
                systemPackage,
            ]),
        module(
            "Release",
            [
                "Attest", "Build", "Bytes", "Host", "Inventory", "Keys", "Policy", "Registry", "Sigstore", "Wire",
                "Workspace", systemPackage,
            ]),
        module(
            "Serve",
            [
                "Attest", "Authority", "Build", "Bytes", "Git", "Host", "Keys", "Ledger", "Lineage", "Policy",
                "Registry", "Sigstore",
                "TUF", "TileLog", "Wire", "Workspace", httpTypes, hummingbird, hummingbirdCore, hummingbirdTLS, logging,
                nioCore, nioHTTP, nioPosix, nioSSL, serviceLifecycle, systemPackage, unixSignals,
            ],
            resources: ["explorer.css", "explorer.js", "martlet.svg"].map { .embedInCode("Explorer/\($0)") }),
        // Level 5
        .executableTarget(
            name: "martlet",
            dependencies: [
                "Attest", "Authority", "Build", "Bytes", "Cache", "Database", "Git", "Host", "Image", "Inventory",
                "Keys", "Ledger",
                "Lineage",
                "Policy", "Registry", "Release", "RemoteCache", "Reports", "Sandbox", "Serve", "Sigstore", "TUF",
                "TileLog",
                "Wire", "Workspace",
                argumentParser, systemPackage,
            ],
            exclude: ["README.md"],
            swiftSettings: settings),

        // Shared by the tests
        module("TestKit", ["Bytes", "Host", systemPackage]),

        tests("Bytes", ["Host", systemPackage]),
        tests("Host", ["Bytes", systemPackage]),
        tests("Attest", ["Bytes"]),
        tests("Graph", []),
        tests("Keys", ["Bytes", "Host", systemPackage]),
        tests("Ledger", ["Bytes", "Keys"]),
        // A web server for tests, on this machine alone.
        .target(
            name: "LoopbackServer", dependencies: [nioCore, nioHTTP, nioPosix], path: "Tests/LoopbackServer",
            swiftSettings: settings),
        tests("Wire", ["LoopbackServer"]),
        tests("TUF", ["Bytes", "Host", "Keys", crypto, systemPackage]),
        // A Sigstore in the tests' own process.
        .target(
            name: "VirtualSigstore", dependencies: ["Bytes", "Keys", "Ledger", "Sigstore", "Wire", swiftASN1],
            path: "Tests/VirtualSigstore", swiftSettings: settings),
        .executableTarget(
            name: "virtual-sigstore",
            dependencies: ["Bytes", "Host", "LoopbackServer", "Sigstore", "VirtualSigstore", systemPackage],
            path: "Tests/VirtualSigstoreServer", swiftSettings: settings),
        tests("Sigstore", ["Attest", "Bytes", "Host", "Keys", "Ledger", "VirtualSigstore", "Wire", systemPackage]),
        tests("Database", ["Bytes", "Host", systemPackage]),
        // Simulated disks, and histories of a log with a crash at every write.
        .target(
            name: "LogFaults", dependencies: ["Bytes", "Host", "Ledger", "TileLog"], path: "Tests/LogFaults",
            swiftSettings: settings),
        // A process for tests of TileLog to kill, and to measure with.
        .executableTarget(
            name: "LogDriver",
            dependencies: ["Bytes", "Host", "Keys", "Ledger", "LogFaults", "TileLog", systemPackage],
            path: "Tests/LogDriver", swiftSettings: settings),
        tests("TileLog", ["LogDriver", "LogFaults", "Bytes", "Host", "Keys", "Ledger", systemPackage]),
        tests("Registry", ["Bytes", "Host", "LoopbackServer", "Wire", systemPackage]),
        tests("Lineage", ["Attest", "Bytes", "Database", "Host", "Inventory", systemPackage]),
        tests("Inventory", ["Attest", "Bytes", "Host", systemPackage]),
        tests("Image", ["Attest", "Bytes", "Host", "Inventory", "Keys", "Registry", systemPackage]),
        tests(
            "Authority",
            ["Bytes", "Host", "Keys", "Ledger", "Sigstore", "TUF", "TileLog", "VirtualSigstore", "Wire", systemPackage]
        ),
        tests(
            "Serve",
            [
                "Attest", "Authority", "Build", "Bytes", "Git", "Host", "Keys", "Ledger", "Registry", "Sigstore", "TUF",
                "TileLog", "Wire", "Workspace",
                hummingbird, logging, nioCore, nioEmbedded, nioHTTP, serviceLifecycle, systemPackage,
            ]),
        tests("Git", ["Bytes", "Host", systemPackage]),
        // Runs one sandbox request, so that tests can do it as another user.
        .executableTarget(
            name: "sandbox-probe", dependencies: ["Bytes", "Host", "Sandbox", systemPackage],
            path: "Tests/SandboxProbe", swiftSettings: settings),
        .testTarget(
            name: "SandboxTests",
            dependencies: ["Bytes", "Host", "Sandbox", "TestKit", "sandbox-probe", systemPackage],
            exclude: ["Resources"], swiftSettings: settings),
        // A process for tests of Cache to kill.
        .executableTarget(
            name: "CacheDriver", dependencies: ["Bytes", "Cache", "Host", systemPackage], path: "Tests/CacheDriver",
            swiftSettings: settings),
        tests("Cache", ["CacheDriver", "Bytes", "Host", systemPackage]),
        tests("Workspace", ["Bytes", "Host", systemPackage], exclude: ["Golden"]),
        tests(
            "Build",
            [
                "Attest", "Bytes", "Cache", "Git", "Graph", "Host", "Inventory", "Keys", "Registry", "Sandbox",
                "Sigstore", "Workspace",
                systemPackage,
            ]),
        tests(
            "Policy",
            [
                "Attest", "Bytes", "Cache", "Host", "Keys", "Registry", "Sigstore", "VirtualSigstore", "Workspace",
                systemPackage,
            ]),
        tests(
            "RemoteCache",
            [
                "Attest", "Build", "Bytes", "Cache", "Host", "Keys", "LoopbackServer", "Policy", "Sandbox", "Sigstore",
                "VirtualSigstore", "Wire", "Workspace", systemPackage,
            ]),
        tests("Release", ["Bytes", "Host", "Inventory", systemPackage]),
        tests("Reports", ["Build", "Bytes", "Host", "Workspace", systemPackage]),
        // Runs the program itself.
        .testTarget(
            name: "MartletTests",
            dependencies: ["martlet", "Attest", "Bytes", "Host", "Keys", "Sigstore", "TestKit", systemPackage],
            exclude: ["Golden"], swiftSettings: settings),
    ]
)

// MARTLET_ONLY="LedgerTests WireTests" leaves only these targets and what they need, for short ways from edit to test.
if let only = Context.environment["MARTLET_ONLY"] {
    var wanted = Set(only.split(separator: " ").map(String.init))
    var count = 0
    while wanted.count != count {
        count = wanted.count
        for target in package.targets where wanted.contains(target.name) {
            for case .byNameItem(let name, _) in target.dependencies { wanted.insert(name) }
        }
    }
    package.targets.removeAll { !wanted.contains($0.name) }
    package.products = []
}

// The fuzzers live in this package because they see what is `package`. They need libFuzzer, so they and the
// instrumentation are there only when scripts/fuzz asks for them.
if Context.environment["MARTLET_FUZZ"] != nil {
    let instrumentation: [SwiftSetting] = [.unsafeFlags(["-sanitize=fuzzer", "-enable-testing"])]
    for target in package.targets where target.type == .regular {
        target.swiftSettings = (target.swiftSettings ?? []) + instrumentation
    }
    package.targets += [
        .target(name: "CFuzzer", path: "Fuzz/CFuzzer"),
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "Attest", "Authority", "Build", "Bytes", "CFuzzer", "Cache", "Git", "Host", "Image", "Inventory",
                "Keys",
                "Ledger", "Lineage", "Policy",
                "Registry",
                "RemoteCache",
                "Sigstore",
                "TUF",
                "Wire",
                "Workspace", systemPackage,
            ],
            path: "Fuzz/Fuzz", swiftSettings: settings + instrumentation,
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])]),
    ]
}
