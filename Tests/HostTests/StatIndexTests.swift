import Bytes
import Host
import SystemPackage
import TestKit
import Testing

@Suite struct StatIndexTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func status(_ name: String) throws -> FileStatus { try #require(try Files.status(directory[name])) }

    /// An index that takes the present for `seconds` later.
    private func index(later seconds: Int64 = 10, isParanoid: Bool = false) -> StatIndex {
        StatIndex(
            directory["index"], isParanoid: isParanoid, began: Clocks.nowNanoseconds() + seconds * 1_000_000_000)
    }

    /// Remembers the files `names`, and waits until the clock of the index is past their times.
    private func fill(_ names: [String]) throws {
        let first = index()
        for name in names {
            try directory.write("content of \(name)", to: name)
            let hashes = StatIndex.Hashes(
                digest: .of("content of \(name)"), highway: name == "b" ? [UInt8](repeating: 7, count: 32) : nil)
            first.remember(hashes, of: name, try status(name))
        }
        try first.save()
    }

    @Test("an unchanged file is found, a changed one is not")
    func finds() throws {
        try fill(["a", "b", "dir/c"])
        let again = index()
        #expect(again.count == 3)
        #expect(again.hashes(of: "a", try status("a"))?.digest == .of("content of a"))
        #expect(again.hashes(of: "a", try status("a"))?.highway == nil)
        #expect(again.hashes(of: "b", try status("b"))?.highway?.count == 32)
        #expect(again.hashes(of: "c", try status("dir/c")) == nil)
        #expect(again.hashes(of: "a", try status("b")) == nil)
        try Files.setMode(directory["a"], 0o755)
        #expect(again.hashes(of: "a", try status("a")) == nil)
        // The same size and, set back, the same time: the time of change of status gives it away.
        let before = try status("dir/c")
        try directory.write("CONTENT OF dir/c", to: "dir/c")
        try Files.setModified(directory["dir/c"], before.modified)
        #expect(again.hashes(of: "dir/c", try status("dir/c")) == nil)
    }

    @Test("a file that changed as recently as the run began is not remembered, nor one newer than the index")
    func racy() throws {
        try directory.write("x", to: "a")
        let racing = StatIndex(directory["index"], began: try status("a").changed + 1_000_000)
        racing.remember(StatIndex.Hashes(digest: .of("x")), of: "a", try status("a"))
        try racing.save()
        #expect(index().count == 0)
        try fill(["b"])
        var future = try status("b")
        future.changed += 3_600_000_000_000
        #expect(index().hashes(of: "b", future) == nil)
    }

    @Test("paranoia finds nothing")
    func paranoid() throws {
        try fill(["a"])
        #expect(index(isParanoid: true).hashes(of: "a", try status("a")) == nil)
    }

    @Test("what a run did not look at is kept")
    func merges() throws {
        try fill(["a"])
        try fill(["b"])
        #expect(index().count == 2)
        #expect(index().hashes(of: "a", try status("a")) != nil)
    }

    @Test("a truncated or altered index is an empty one")
    func damaged() throws {
        try fill(["a", "b"])
        let bytes = try Files.read(directory["index"], limit: 100_000)
        for count in stride(from: 0, to: bytes.count, by: 7) {
            try Files.write(Array(bytes[..<count]), to: directory["index"])
            #expect(index().count == 0)
        }
        for position in 32..<bytes.count {
            var altered = bytes
            altered[position] ^= 0x10
            try Files.write(altered, to: directory["index"])
            #expect(index().count == 0)
        }
    }
}
