package import Bytes
internal import Cache
internal import Host
internal import SystemPackage

/// Counts, collects and checks the local cache: the `cache` commands.
package struct CacheMaintenance: Sendable {
    /// What was found or done, for people and programs.
    package struct Report: Sendable {
        /// Whether nothing was damaged.
        package var isSound = true
        package var json: JSON
        /// With line feeds.
        package var text: String
    }

    private let directory: FilePath
    private let collector: CacheCollector

    /// - Parameter environment: says where the cache is.
    package init(environment: [String: String]) throws {
        directory = CacheLocation.directory(environment: environment)
        collector = CacheCollector(try ContentStore(directory: directory))
    }

    package func count() throws -> Report {
        let found = try collector.statistics()
        return Report(
            json: .rows([("directory", .string(directory.string))] + Self.members(found)),
            text: "\(directory)\n\(Self.line(found))\n")
    }

    /// Removes results that were not used for longest, until the rest has at most `limit` bytes.
    package func collect(limit: Int) async throws -> Report { report(try await collector.collect(limit: limit)) }

    /// Removes everything that no running process uses.
    package func prune() async throws -> Report { report(try await collector.prune()) }

    private func report(_ collection: CacheCollector.Collection) -> Report {
        Report(
            json: [
                "before": .rows(Self.members(collection.before)), "after": .rows(Self.members(collection.after)),
                "removedRecords": .integer(collection.removedRecords),
                "removedBytes": .integer(collection.removedBytes),
            ],
            text: """
                removed \(collection.removedRecords) results, \(ByteCount(bytes: collection.removedBytes).text)
                \(Self.line(collection.after))

                """)
    }

    /// Hashes everything and removes what is damaged.
    package func verify() async throws -> Report {
        let found = try await collector.verify()
        let lines =
            found.damaged.map { "damaged, removed: \($0)" }
            + found.incomplete.map { "incomplete, removed: the result of \($0.hex)" }
            + ["\(found.blobs) blobs and \(found.records) results checked"]
        return Report(
            isSound: found.damaged.isEmpty && found.incomplete.isEmpty,
            json: [
                "blobs": .integer(found.blobs), "records": .integer(found.records), "damaged": .list(found.damaged),
                "incomplete": .list(found.incomplete.map(\.hex)),
            ],
            text: lines.map { $0 + "\n" }.joined())
    }

    private static func members(_ found: CacheCollector.Statistics) -> [(String, JSON)] {
        [
            ("bytes", .integer(found.byteCount)), ("blobs", .integer(found.blobs)),
            ("records", .integer(found.records)), ("trees", .integer(found.trees)),
        ]
    }

    private static func line(_ found: CacheCollector.Statistics) -> String {
        "\(ByteCount(bytes: found.byteCount).text) in \(found.blobs) blobs, \(found.records) results, "
            + "\(found.trees) trees laid out"
    }
}
