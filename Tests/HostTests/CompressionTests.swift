import Host
import SystemPackage
import TestKit
import Testing

@Suite struct CompressionTests {
    /// Text that packs somewhat, the same in every run.
    private func sample(_ count: Int) -> [UInt8] {
        var state: UInt64 = 1
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 60) + 0x61
        }
    }

    @Test("what is packed is unpacked again", arguments: Compression.allCases, [0, 1, 131_072, 300_000])
    func roundTrip(compression: Compression, count: Int) throws {
        let bytes = sample(count)
        let packed = try compression.compress(bytes)
        if compression != .none {
            #expect(Compression(recognizing: packed) == compression)
            #expect(try Compression.decompress(packed, limit: count) == bytes)
            // Many members read as one stream.
            #expect(try Compression.decompress(packed + packed, limit: 2 * count) == bytes + bytes)
        }
        // A run of zeros fills the output without input.
        let zeros = [UInt8](repeating: 0, count: 1_000_000)
        #expect(try Compression.decompress(compression.compress(zeros), limit: 1_000_000) == zeros)
    }

    @Test("the division into writes does not show", arguments: [Compression.gzip, .zstd])
    func division(compression: Compression) throws {
        let bytes = sample(400_000)
        for size in [1000, 131_072, 131_073] {
            var packed: [UInt8] = []
            var compressor = try Compressor(compression) { packed += $0 }
            for start in stride(from: 0, to: bytes.count, by: size) {
                try compressor.write(bytes[start..<min(start + size, bytes.count)])
            }
            try compressor.finish()
            #expect(try packed == compression.compress(bytes))
        }
    }

    @Test("the gzip header has no time and no name")
    func gzipHeader() throws {
        #expect(try Compression.gzip.compress([1]).prefix(10) == [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])
    }

    @Test("truncated, damaged and trailing bytes are refused", arguments: [Compression.gzip, .zstd])
    func damaged(compression: Compression) throws {
        let bytes = sample(5000)
        let packed = try compression.compress(bytes)
        for count in stride(from: 5, to: packed.count, by: 97) {
            #expect(code { _ = try Compression.decompress(Array(packed[..<count]), limit: 10_000) } == .corrupt)
        }
        #expect(code { _ = try Compression.decompress(packed + [1, 2, 3], limit: 10_000) } == .corrupt)
        for index in stride(from: 12, to: packed.count, by: 53) {
            var altered = packed
            altered[index] ^= 0x40
            #expect((try? Compression.decompress(altered, limit: 10_000)) != bytes)
        }
    }

    @Test("a bomb is stopped at the limit", arguments: [Compression.gzip, .zstd])
    func bomb(compression: Compression) throws {
        let packed = try compression.compress([UInt8](repeating: 0, count: 3_000_000))
        #expect(packed.count < 10_000)
        #expect(code { _ = try Compression.decompress(packed, limit: 1_000_000) } == .tooLarge)
    }

    @Test("what is packed as one frame of zstd comes out again, and tells its size")
    func frame() throws {
        for count in [0, 1, 300_000] {
            let bytes = sample(count)
            let packed = try Compression.zstdFrame(bytes, level: 3)
            #expect(try Compression.decompress(packed, limit: max(1, count)) == bytes)
            // RFC 8878 section 3.1.1.1.1: a single segment has its size in the header, as other frames may.
            #expect(packed[4] & 0x20 != 0 || packed[4] >> 6 != 0)
            #expect(try Compression.zstdFrame(bytes, level: 3) == packed)
        }
    }

    @Test(
        "the programs gzip and zstd read it",
        arguments: [(Compression.gzip, "gzip"), (.zstd, "zstd")]
            .filter { ToolPath.find($0.1, path: "/usr/bin:/bin") != nil })
    func interoperability(compression: Compression, tool: String) async throws {
        let bytes = sample(100_000)
        let outcome = try await ChildProcess.run(
            [tool, "-dc"], input: compression.compress(bytes), outputLimit: 1 << 20, timeLimit: .seconds(60))
        #expect(outcome.output == bytes)
    }
}
