import Bytes
import LogFaults
import Testing

@testable import TileLog

@Suite struct LogIndexTests {
    /// Rows of entries by chance, and what they should be found by.
    private struct Rows {
        var identities: [UInt64: [UInt64]] = [:]
        var keys: [UInt64: [UInt64]] = [:]
        var count: UInt64 = 0
        let chance = SeededChoices(seed: 7)

        var mark: IndexMark { IndexMark(count: count, lastIdentity: Digest.of("\(count)")) }

        mutating func next(_ number: Int) -> [IndexAddition] {
            (0..<number).map { _ in
                // Some share their eight bytes, and one key is that of many.
                let prefix = chance.choose(20) == 0 ? 99 : Digest.of("entry \(count)").prefix
                let entryKeys = (0..<chance.choose(4)).map { UInt64($0 * chance.choose(50)) }
                let row = IndexAddition(identityPrefix: prefix, index: count, keys: entryKeys)
                identities[prefix, default: []].append(count)
                for key in Set(entryKeys) { keys[key, default: []].append(count) }
                count += 1
                return row
            }
        }

        func check(_ index: LogIndex) throws {
            #expect(index.mark == mark)
            for (prefix, entries) in identities { #expect(try index.entries(identityPrefix: prefix) == entries) }
            for (key, entries) in keys {
                #expect(try index.entries(key: key, from: 0, limit: .max) == entries)
                let middle = entries[entries.count / 2]
                #expect(
                    try index.entries(key: key, from: middle, limit: 5)
                        == Array(entries.filter { $0 >= middle }.prefix(5)))
            }
            for number in 0..<500 { #expect(try index.entries(identityPrefix: Digest.of("no \(number)").prefix) == []) }
        }
    }

    @Test("what was added is found, however runs were merged, and after a start", arguments: [10, 1000, 100_000])
    func merging(leastStep: Int) throws {
        var disk = SimulatedDisk()
        var rows = Rows()
        var index = try LogIndex(disk)
        #expect(index.mark == nil)
        var writer = LogIndex.Writer(index, leastStep: leastStep)
        for round in 0..<60 {
            let more = rows.next([1, 30, 100, 400][rows.chance.choose(4)])
            try writer.append(more, mark: rows.mark)
            guard round % 20 == 19 else { continue }
            try rows.check(index)
            disk = disk.restarted()
            index = try LogIndex(disk)
            try rows.check(index)
            writer = LogIndex.Writer(index, leastStep: leastStep)
        }
        #expect(disk.fileNames.count < 20)
        try writer.clear()
        #expect(index.mark == nil)
        #expect(disk.fileNames == [])
    }

    @Test("a damaged page is an error that names the file, and a damaged end is as if the run were absent")
    func damage() throws {
        let disk = SimulatedDisk()
        var rows = Rows()
        let writer = LogIndex.Writer(try LogIndex(disk), leastStep: 1)
        for _ in 0..<2 { try writer.append(rows.next(1000), mark: rows.mark) }
        let names = disk.fileNames
        #expect(names == ["index/000000000000-000000001000", "index/000000001000-000000002000"])
        disk.damage(names[1]) { $0[5] ^= 1 }
        let index = try LogIndex(disk)
        let error = #expect(throws: TileLogError.self) {
            for prefix in rows.identities.keys { _ = try index.entries(identityPrefix: prefix) }
        }
        #expect(error?.code == .damaged)
        #expect(error?.message.contains(names[1]) == true)
        disk.damage(names[0]) { $0[$0.count - 60] ^= 1 }
        // Without the first run the second says nothing either.
        #expect(try LogIndex(disk).mark == nil)
        #expect(disk.fileNames == [])
    }

    @Test("a full disk takes nothing away from an index")
    func fullDisk() throws {
        let disk = SimulatedDisk()
        var rows = Rows()
        let index = try LogIndex(disk)
        let writer = LogIndex.Writer(index, leastStep: 100)
        disk.limit(to: 300_000)
        while true {
            var more = rows
            let added = more.next(300)
            do { try writer.append(added, mark: more.mark) } catch { break }
            rows = more
        }
        try rows.check(index)
        try rows.check(LogIndex(disk.restarted()))
    }

    @Test("a filter passes everything that was inserted, and almost nothing else")
    func filter() {
        var filter = PrefixFilter(count: 5000)
        for number in 0..<5000 { filter.insert(Digest.of("\(number)").prefix) }
        #expect((0..<5000).allSatisfy { filter.mayContain(Digest.of("\($0)").prefix) })
        let passed = (5000..<25_000).count { filter.mayContain(Digest.of("\($0)").prefix) }
        #expect(passed < 200)
        #expect(!PrefixFilter(count: 0).mayContain(0))
        #expect(PrefixFilter(words: filter.words).words.count == PrefixFilter.wordCount(prefixes: 5000))
    }
}
