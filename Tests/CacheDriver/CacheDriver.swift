import Bytes
import Cache
import Host
import SystemPackage

/// A process for tests to kill, and to measure with:
///
///     CacheDriver write CACHE WORK     stores trees and records without end
///     CacheDriver measure DIRECTORY    prints how long the cache takes for 10,200 files of 103 MB
@main struct CacheDriver {
    static func main() async throws {
        let arguments = CommandLine.arguments
        switch arguments.dropFirst().first {
        case "write" where arguments.count == 4:
            try await write(FilePath(arguments[2]), work: FilePath(arguments[3]))
        case "measure" where arguments.count == 3: try await measure(FilePath(arguments[2]))
        default: print("usage: CacheDriver write CACHE WORK | measure DIRECTORY")
        }
    }

    /// The content of file `file` of round `round`; some repeat, so that blobs are found to be there already.
    static func content(_ round: Int, _ file: Int) -> [UInt8] {
        let seed = file % 3 == 0 ? file : round * 1000 + file
        return [UInt8](repeating: UInt8(truncatingIfNeeded: seed), count: 100 + (seed * 7919) % 40_000)
            + Array("\(seed)".utf8)
    }

    private static func write(_ cache: FilePath, work: FilePath) async throws {
        let store = try ContentStore(directory: cache)
        let actions = ActionCache(store)
        for round in 0..<1_000_000 {
            let key = Digest.of("round \(round % 50)")
            let out = work.appending("out.\(Machine.processID).\(round)")
            try Files.createDirectories(out.appending("sub"))
            for file in 0..<20 {
                let name = file % 2 == 0 ? "\(file)" : "sub/\(file)"
                try Files.write(content(round % 50, file), to: out.appending(name))
            }
            let captured = try await store.capture(out)
            try actions.record(ActionResult(key: key, tree: captured.root, facts: ["round": "\(round % 50)"]))
            _ = try await store.checkout(captured.root)
            try Files.removeTree(out)
            if round % 10 == 9 { _ = try await CacheCollector(store).collect(limit: 1_000_000, grace: .zero) }
        }
    }

    private static func measure(_ directory: FilePath) async throws {
        let out = directory.appending("out")
        try Files.createDirectories(directory)
        for file in 0..<10_200 {
            let folder = out.appending("d\(file / 50)")
            if file % 50 == 0 { try Files.createDirectories(folder) }
            var state = UInt64(file) &* 0x9e37_79b9_7f4a_7c15 | 1
            var bytes: [UInt8] = []
            for _ in 0..<1262 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: state >> shift)) }
            }
            try Files.write(bytes, to: folder.appending("f\(file)"))
        }
        let store = try ContentStore(directory: directory.appending("cache"))
        var root = ContentStore.emptyRoot
        try await time("store (moving)") { root = try await store.capture(out).root }
        try await time("first checkout") { _ = try await store.checkout(root) }
        try await time("checkout again, same process") { _ = try await store.checkout(root) }
        let other = try ContentStore(directory: directory.appending("cache"))
        try await time("checkout again, new process") { _ = try await other.checkout(root) }
        try await time("hard links elsewhere") { try await store.link(root, to: directory.appending("linked")) }
        try await time("private copy") { try await store.copy(root, to: directory.appending("copy")) }
        try await time("archive .tar") {
            _ = try store.writeArchive(root, to: directory.appending("a.tar"), compression: .none)
        }
        try await time("archive .tar.zst") {
            _ = try store.writeArchive(root, to: directory.appending("a.tar.zst"), compression: .zstd)
        }
        try await time("archive .tar.gz") { _ = try store.writeArchive(root, to: directory.appending("a.tar.gz")) }
        try await time("verify") { _ = try await CacheCollector(store).verify() }
        try await measureIndex(directory)
        let size = try CacheCollector(store).statistics().byteCount
        print("cache bytes / output bytes: \(Double(size) / Double(10_200 * 1262 * 8))")
    }

    private static func measureIndex(_ directory: FilePath) async throws {
        let path = directory.appending("index")
        guard let status = try Files.status(directory.appending("a.tar")) else { return }
        let index = StatIndex(path, began: .max)
        for file in 0..<51_000 {
            index.remember(
                StatIndex.Hashes(digest: .of("x"), highway: [UInt8](repeating: 1, count: 32)),
                of: "components/package-\(file / 50)/src/internal/file-\(file).go", status)
        }
        try await time("stat index: save 51,000") { try index.save() }
        var again = index
        try await time("stat index: load 51,000") { again = StatIndex(path) }
        try await time("stat index: look up 51,000") {
            for file in 0..<51_000 {
                _ = again.hashes(of: "components/package-\(file / 50)/src/internal/file-\(file).go", status)
            }
        }
        try await time("walk with status of 10,200 files") {
            _ = try DirectoryWalk(directory.appending("copy"), withStatus: true).entries()
        }
    }

    private static func time(_ name: String, _ body: () async throws -> Void) async throws {
        let start = Clocks.monotonicNanoseconds()
        let processor = Clocks.processorNanoseconds()
        try await body()
        let wall = Double(Clocks.monotonicNanoseconds() - start) / 1e6
        let used = Double(Clocks.processorNanoseconds() - processor) / 1e6
        print("\(name): \(Int(wall * 10).description.dropLast()).\(Int(wall * 10) % 10) ms, CPU \(Int(used)) ms")
    }
}
