import Bytes
import Cache
import Host
import LoopbackServer
import Synchronization
import SystemPackage
import TestKit
import Testing

@testable import RemoteCache

/// A web server that keeps what it is given, as strict about directories as WebDAV is.
private final class WebCache: Sendable {
    struct State {
        var files: [String: [UInt8]] = [:]
        var collections: Set<String> = ["/cache/"]
        var requests: [LoopbackServer.Request] = []
        /// How many bytes of each answer arrive.
        var breaksAfter: Int?
        var ignoresRange = false
    }

    let state = Mutex(State())

    func answer(_ request: LoopbackServer.Request) -> LoopbackServer.Reply? {
        state.withLock { state in
            state.requests.append(request)
            let parent = String(
                request.target[...(request.target.dropLast().lastIndex(of: "/") ?? request.target.startIndex)])
            switch request.method {
            case "MKCOL":
                guard state.collections.contains(parent) else { return .init(409) }
                return .init(state.collections.insert(request.target).inserted ? 201 : 405)
            case "PUT":
                guard state.collections.contains(parent) else { return .init(409) }
                state.files[request.target] = request.body
                return .init(201)
            case "GET", "HEAD":
                guard let file = state.files[request.target] else { return .init(404) }
                var reply = LoopbackServer.Reply(200, bytes: file)
                if !state.ignoresRange, let range = request["Range"],
                    let start = Int(range.dropFirst("bytes=".count).prefix { $0 != "-" })
                {
                    reply = .init(
                        206, bytes: Array(file.dropFirst(start)),
                        fields: [("Content-Range", "bytes \(start)-\(file.count - 1)/\(file.count)")])
                }
                if request.method == "GET", let count = state.breaksAfter, reply.body.count > count {
                    reply.breaksAfter = count
                }
                return reply
            default: return .init(405)
            }
        }
    }
}

@Suite("Places for remote caches")
struct StorageTests {
    private let entry = EntryName(.main, .of("key"))
    private let content = Array("some bytes of a file".utf8)
    private var blob: BlobName { BlobName(.of(content), size: content.count) }

    private func bytes(_ incoming: IncomingBlob?) async throws -> [UInt8]? {
        guard let incoming else { return nil }
        var bytes: [UInt8] = []
        while let piece = try await incoming.next() { bytes += piece }
        return bytes
    }

    /// What every place does.
    private func checkPlace(_ storage: any RemoteStorage) async throws {
        #expect(try await storage.entry(entry) == nil)
        #expect(try await !storage.has(blob))
        #expect(try await bytes(storage.open(blob, from: 0)) == nil)
        try await storage.put(blob, .bytes(content))
        #expect(try await storage.has(blob))
        #expect(try await !storage.has(BlobName(blob.digest, size: 3)))
        #expect(try await bytes(storage.open(blob, from: 0)) == content)
        try await storage.putEntry(Array("an entry".utf8), as: entry, naming: [blob])
        try await storage.putEntry(Array("a newer entry".utf8), as: entry, naming: [blob])
        #expect(try await storage.entry(entry) == Array("a newer entry".utf8))
        #expect(try await storage.entry(EntryName(Namespace("pr/17"), entry.key)) == nil)
        try await storage.putEntry(Array("another".utf8), as: EntryName(Namespace("pr/17"), entry.key), naming: [])
        #expect(try await storage.entry(entry) == Array("a newer entry".utf8))
    }

    @Test("a directory")
    func directory() async throws {
        let files = try TemporaryDirectory()
        let place = try RemoteAddress("share", in: files.path).open(userAgent: "test", environment: [:])
        try await checkPlace(place)
        #expect(try Files.exists(files["share/v1/entries/pr~17/\(entry.key.hex.prefix(2))"]))
        let source = try files.write("some bytes of a file", to: "source")
        try await place.put(blob, .file { try OpenFile(reading: source) })
        #expect(try await bytes(place.open(blob, from: 5)) == Array(content.dropFirst(5)))
    }

    @Test("links and pipes in a directory are nothing that is there")
    func strangeFiles() async throws {
        let files = try TemporaryDirectory()
        let place = DirectoryPlace(directory: files.path)
        try files.write("secret", to: "secret")
        try Files.symlink("secret", at: files["link"])
        try Files.createDirectories(files["directory"])
        for name in ["link", "directory"] {
            #expect((try? await place.read(name, limit: 100)) ?? nil == nil)
            #expect(try await place.size(name) == nil)
        }
        await #expect(throws: RemoteCacheError.self) { try await place.read("secret", limit: 3) }
    }

    @Test("a web server, whose directories are made where it wants that")
    func web() async throws {
        let cache = WebCache()
        let server = try await LoopbackServer { cache.answer($0) }
        let storage = try RemoteAddress(server.address("/cache"), in: "/").open(
            userAgent: "test", environment: ["MARTLET_REMOTE_CACHE_USER": "u", "MARTLET_REMOTE_CACHE_PASSWORD": "p"])
        try await checkPlace(storage)
        let requests = cache.state.withLock { $0.requests }
        #expect(requests.allSatisfy { $0["Authorization"] == "Basic dTpw" })
        let made = requests.filter { $0.method == "MKCOL" }.map(\.target)
        #expect(made.count == Set(made).count, "each directory is made once")
        await storage.close()
        await server.close()
    }

    @Test("a large file goes on where it broke off, in this process and in a later one", arguments: [false, true])
    func resumption(ignoresRange: Bool) async throws {
        let files = try TemporaryDirectory()
        let large = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
        let blob = BlobName(.of(large), size: large.count)
        let cache = WebCache()
        let server = try await LoopbackServer { cache.answer($0) }
        let storage = try RemoteAddress(server.address("/cache"), in: "/").open(userAgent: "test", environment: [:])
        try await storage.put(blob, .bytes(large))
        cache.state.withLock { state in
            state.requests = []
            state.breaksAfter = 30_000
            state.ignoresRange = ignoresRange
        }
        let store = try ContentStore(directory: files["store"])
        var download = BlobDownload(
            open: { try await storage.open($0, from: $1) }, store: store, directory: files["partial"], pause: { _ in })
        if ignoresRange {
            // What comes is always the first part: that is no progress, and ends.
            await #expect(throws: RemoteCacheError.self) { try await download.bring(blob) }
            cache.state.withLock { $0.breaksAfter = nil }
        } else {
            download.attempts = 1
        }
        try await download.bring(blob)
        #expect(try store.read(blob.digest, limit: 1 << 20) == large)
        if !ignoresRange {
            let ranges = cache.state.withLock { $0.requests.map { $0["Range"] } }
            #expect(ranges.count >= 4 && ranges[0] == nil && ranges.dropFirst().allSatisfy { $0 != nil })
            #expect(Set(ranges).count == ranges.count, "each begins where the one before it ended")
        }
        #expect(try await download.bytes(of: blob) == large)
        await storage.close()
        await server.close()
    }

    @Test("a part of something else, left by an earlier process, is found out and gone")
    func damagedPart() async throws {
        let files = try TemporaryDirectory()
        let storage = ObjectStorage(place: DirectoryPlace(directory: files["share"]))
        try await storage.put(blob, .bytes(content))
        let store = try ContentStore(directory: files["store"])
        try files.write("XXXX", to: "partial/\(blob.digest.hex)")
        let download = BlobDownload(
            open: { try await storage.open($0, from: $1) }, store: store, directory: files["partial"])
        await #expect(throws: RemoteCacheError.self) { try await download.bring(blob) }
        try await download.bring(blob)
        #expect(store.contains(blob.digest))
    }

    @Test("passwords are sent to nobody whom others can listen to")
    func confidentiality() async throws {
        let storage = try RemoteAddress("http://cache.example/x", in: "/").open(
            userAgent: "test", environment: ["MARTLET_REMOTE_CACHE_TOKEN": "secret"])
        await #expect(throws: RemoteCacheError.self) { try await storage.entry(entry) }
        await storage.close()
    }

    @Test("packs give back what is in them, and nothing that is longer or shorter")
    func packs() throws {
        let contents = [Array("a".utf8), [UInt8](repeating: 7, count: 100_000), Array("b".utf8)]
        let (packed, size) = try FilePack.pack(contents)
        #expect(try FilePack.pack(contents).packed == packed)
        #expect(try FilePack.contents(packed, contentSize: size).map { Array($0) } == contents)
        for wrong in [size - 1, size + 1, 0] {
            #expect(throws: RemoteCacheError.self) { try FilePack.contents(packed, contentSize: wrong) }
        }
        #expect(throws: RemoteCacheError.self) { try FilePack.contents(Array(packed.dropLast()), contentSize: size) }
        #expect(throws: RemoteCacheError.self) { try FilePack.contents(Array("no pack".utf8), contentSize: 7) }
    }
}
