import Bytes
import Host
import Keys
import Ledger
import SystemPackage
import TestKit
import Testing

@testable import TileLog

@Suite struct LogExportTests {
    @Test("an exported log is a static log of tiles, grows with the next export, and can be imported")
    func roundTrip() async throws {
        let site = try LogSite()
        let log = try await site.open()
        let folder = site.directory["export"]
        for count in [0, 5, 256, 700, 701] {
            _ = try await log.add((0..<count).map { NewEntry(leaf: LogSite.leaf($0)) }, proofs: false)
            let checkpoint = try await log.export(to: folder)
            #expect(checkpoint.checkpoint.size == UInt64(count))
            #expect(try Files.readText(folder.appending("checkpoint"), limit: 1 << 16) == checkpoint.note)
        }
        #expect(try Files.list(folder.appending("tile/0")).filter { !$0.hasSuffix(".p") } == ["000", "001"])
        #expect(try Files.list(folder.appending("tile/0/002.p")).contains("189"))
        #expect(try Files.read(folder.appending("tile/1/000.p/2"), limit: 1 << 16).count == 64)
        await log.close()

        let other = try LogSite()
        let imported = try await other.open()
        // An import that was stopped goes on where it ended.
        _ = try await imported.add((0..<300).map { NewEntry(leaf: LogSite.leaf($0)) }, proofs: false)
        let checkpoint = try await imported.importEntries(from: TileDirectory(folder), key: site.signer.key)
        #expect(imported.checkpoint.checkpoint.root == checkpoint.root)
        #expect(try await imported.entry(at: 700).bytes == LogSite.leaf(700))
        await imported.close()
    }

    @Test("an import takes nothing that the other log's checkpoint does not stand for")
    func hostile() async throws {
        let site = try LogSite()
        let log = try await site.open()
        let folder = site.directory["export"]
        // The same entry twice, as foreign logs may have it.
        _ = try await log.add((0..<600).map { NewEntry(imported: LogSite.leaf($0 % 599)) }, proofs: false)
        _ = try await log.export(to: folder)
        await log.close()
        let stranger = NoteSigner.log(name: LogSite.origin, signer: PrivateKeySigner(try .generate(.ed25519)))
        let files = ["tile/0/001", "tile/entries/001", "tile/entries/002.p/88", "tile/0/002.p/88", "tile/1/000.p/2"]
        for file in files {
            let path = folder.appending(file)
            let bytes = try Files.read(path, limit: 1 << 20)
            for place in [0, bytes.count / 2, bytes.count - 1] {
                var changed = bytes
                changed[place] ^= 1
                try Files.write(changed, to: path)
                let other = try LogSite()
                let imported = try await other.open()
                await #expect(throws: (any Error).self, "\(file) at \(place)") {
                    try await imported.importEntries(from: TileDirectory(folder), key: site.signer.key)
                }
                await imported.close()
            }
            try Files.write(bytes, to: path)
        }
        let other = try LogSite()
        let imported = try await other.open()
        await #expect(throws: LedgerError.self) {
            try await imported.importEntries(from: TileDirectory(folder), key: stranger.key)
        }
        _ = try await imported.importEntries(from: TileDirectory(folder), key: site.signer.key)
        #expect(imported.size == 600)
        await imported.close()
        let forked = try LogSite()
        let wrong = try await forked.open()
        _ = try await wrong.add([NewEntry(leaf: [1])])
        await #expect(throws: TileLogError.self) {
            try await wrong.importEntries(from: TileDirectory(folder), key: site.signer.key)
        }
        await wrong.close()
    }

    @Test(
        "the golden log of tlog-tiles is imported, checkpoint and all",
        .enabled(if: TestData.folder("tlog-tiles-golden") != nil, Comment(rawValue: TestData.absence)))
    func golden() async throws {
        let folder = try #require(TestData.folder("tlog-tiles-golden"))
        let key = try NoteKey(
            verifierKey: "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")
        let site = try LogSite()
        let log = try await site.open()
        #expect(try await log.importEntries(from: TileDirectory(folder), key: key).size == 15)
        await log.close()
    }
}
