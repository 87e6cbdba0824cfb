internal import Bytes
internal import SystemPackage

@testable internal import Host

extension FuzzTarget {
    /// Reading tar archives: paths stay inside, and sizes add up.
    static let tar = FuzzTarget(name: "tar") { input in
        var reader = TarReader(ByteReader(input))
        var total = 0
        do {
            while let entry = try reader.next() {
                let parts = entry.path.split(separator: "/", omittingEmptySubsequences: false)
                require(!entry.path.hasPrefix("/") && !parts.contains(".."), "a path stays inside the archive")
                if entry.size % 2 == 0 { total += try reader.content(limit: 1 << 20).count }
            }
        } catch { return }
        require(total <= input.count, "content comes from the archive")
    }

    /// Reading gzip, and that what is written reads back.
    static let gzip = FuzzTarget(name: "gzip") { input in decompress(input, .gzip) }

    /// Reading zstd, and that what is written reads back.
    static let zstd = FuzzTarget(name: "zstd") { input in decompress(input, .zstd) }

    private static func decompress(_ input: [UInt8], _ compression: Compression) {
        if let output = try? Compression.decompress(input, limit: 1 << 20) {
            require(output.count <= 1 << 20, "the limit holds")
        }
        guard input.count < 1 << 14, let packed = try? compression.compress(input) else { return }
        require((try? Compression.decompress(packed, limit: 1 << 20)) == input, "what is packed unpacks")
    }

    /// Comparing a tree of statuses with a directory: nothing is read beyond the bytes, and it ends.
    static let statTree = FuzzTarget(name: "stat-tree") { input in
        guard let tree = try? StatTree(decoding: input), let root = try? OpenFile(directory: "/proc/self/fdinfo") else {
            return
        }
        _ = tree.watchedPlaces()
        for number in 0..<min(tree.count, 1000) { _ = try? tree.compare(number..<(number + 1), below: root.number) }
    }

    /// Reading a table of file statuses: a damaged one is refused, and look-ups end.
    static let statIndex = FuzzTarget(name: "stat-index") { input in
        var repaired = input
        if input.count >= 32 {
            // Nothing would get past the checksum otherwise.
            let sum = input.checksum(from: 32)
            for index in 0..<8 { repaired[24 + index] = UInt8(truncatingIfNeeded: sum >> (8 * UInt64(index))) }
        }
        for bytes in [input, repaired] {
            guard let table = try? StatTable(decoding: bytes) else { continue }
            _ = table.records
            for path in ["", "a", "a/b", "src/main.go"] { _ = table.record(of: path) }
        }
    }
}
