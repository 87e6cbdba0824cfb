// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "wordcount",
    products: [.executable(name: "wordcount", targets: ["wordcount"])],
    targets: [
        .target(name: "Counting"),
        .executableTarget(name: "wordcount", dependencies: ["Counting"]),
        .testTarget(name: "CountingTests", dependencies: ["Counting"]),
    ]
)
