import Bytes
import Host
import SystemPackage
import TestKit
import Testing

@Suite struct TarTests {
    private func archive(_ body: (inout TarWriter) throws -> Void) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var tar = TarWriter { bytes += $0 }
        try body(&tar)
        try tar.finish()
        return bytes
    }

    private func read(_ bytes: [UInt8], limits: TarReader.Limits = .init()) throws -> [TarReader.Entry] {
        var reader = TarReader(ByteReader(bytes), limits: limits)
        var entries: [TarReader.Entry] = []
        while let entry = try reader.next() { entries.append(entry) }
        return entries
    }

    private let long = String(repeating: "d/", count: 70) + "name"
    private let veryLong = String(repeating: "x", count: 200)

    private func sample() throws -> [UInt8] {
        try archive { tar in
            try tar.addDirectory("./")
            try tar.addFile("./a", Array("hello".utf8))
            try tar.addFile("./empty", [])
            try tar.addFile("./run", [UInt8](repeating: 7, count: 512), isExecutable: true)
            try tar.addLink("./link", target: "../\(veryLong)")
            try tar.addFile("./\(long)", [1])
            try tar.addFile("./\(veryLong)", [2])
            try tar.addFile("./grün/ß", [3])
        }
    }

    @Test("what is written is read again")
    func roundTrip() throws {
        let entries = try read(sample())
        #expect(
            entries.map(\.path) == ["", "a", "empty", "run", "link", long, veryLong, "grün/ß"])
        #expect(entries[3].kind == .file(isExecutable: true) && entries[3].size == 512)
        #expect(entries[4].kind == .link("../\(veryLong)"))
        var reader = TarReader(ByteReader(try sample()))
        _ = try reader.next()
        _ = try reader.next()
        #expect(code { _ = try reader.content(limit: 4) } == .tooLarge)
        #expect(try reader.content(limit: 5) == Array("hello".utf8))
    }

    @Test("the bytes are pinned")
    func golden() throws {
        let digest = Digest.of(try sample())
        #expect(digest.hex == "0f59b08a7c0aa1500f10d7cea4b4b04254e7612ee842a06ba64ff41aee85626b")
    }

    @Test("GNU tar lists it", .enabled(if: ToolPath.find("tar", path: "/usr/bin:/bin") != nil, "tar is not installed"))
    func listing() async throws {
        let outcome = try await ChildProcess.run(
            ["tar", "--numeric-owner", "--utc", "-tvf", "-"],
            environment: ["LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"],
            input: sample(), outputLimit: 10_000, timeLimit: .seconds(60))
        #expect(outcome.isSuccess && outcome.errorText.isEmpty)
        let lines = outcome.outputText.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        #expect(
            lines == [
                "drwxr-xr-x 0/0 0 1980-01-01 00:00 ./",
                "-rw-r--r-- 0/0 5 1980-01-01 00:00 ./a",
                "-rw-r--r-- 0/0 0 1980-01-01 00:00 ./empty",
                "-rwxr-xr-x 0/0 512 1980-01-01 00:00 ./run",
                "lrwxrwxrwx 0/0 0 1980-01-01 00:00 ./link -> ../\(veryLong)",
                "-rw-r--r-- 0/0 1 1980-01-01 00:00 ./\(long)",
                "-rw-r--r-- 0/0 1 1980-01-01 00:00 ./\(veryLong)",
                "-rw-r--r-- 0/0 1 1980-01-01 00:00 ./grün/ß",
            ])
    }

    @Test("archives of GNU tar in its three formats are read", arguments: ["ustar", "gnu", "pax"])
    func foreign(format: String) async throws {
        let directory = try TemporaryDirectory()
        try directory.write("x", to: "in/some/file", mode: 0o755)
        try Files.link(directory["in/some/file"], to: directory["in/some/other"])
        try Files.symlink("file", at: directory["in/some/link"])
        if format != "ustar" { try directory.write("y", to: "in/\(veryLong)") }
        let outcome = try await ChildProcess.run(
            ["tar", "--sort=name", "--format=\(format)", "-cf", "-", "-C", directory["in"].string, "."],
            outputLimit: 1 << 20, timeLimit: .seconds(60))
        try #require(outcome.isSuccess)
        let entries = try read(outcome.output)
        let expected = ["", "some", "some/file", "some/link", "some/other"] + (format == "ustar" ? [] : [veryLong])
        #expect(entries.map(\.path) == expected)
        #expect(entries[4].kind == .hardLink("some/file"))
        #expect(entries[2].kind == .file(isExecutable: true))
    }

    @Test("an archive cut anywhere is refused")
    func truncated() throws {
        let bytes = try sample()
        for count in stride(from: 0, to: bytes.count, by: 128) {
            #expect(code { _ = try read(Array(bytes[..<count])) } == .input)
        }
        #expect(code { _ = try read(bytes + [1]) } == .input)
        #expect(try read(bytes + [UInt8](repeating: 0, count: 9000)).count == 8)
    }

    @Test("paths that lead elsewhere are refused", arguments: ["/etc/passwd", "../x", "a/../../x", "a/.."])
    func traversal(path: String) throws {
        #expect(code { _ = try read(archive { try $0.addFile(path, [1]) }) } == .input)
    }

    @Test("entries below a link, repeated names and devices are refused")
    func hostile() throws {
        let below = try archive { tar in
            try tar.addLink("./a", target: "/etc")
            try tar.addFile("./a/passwd", [1])
        }
        #expect(code { _ = try read(below) } == .input)
        let twice = try archive { tar in
            try tar.addFile("./a", [1])
            try tar.addFile("a", [2])
        }
        #expect(code { _ = try read(twice) } == .input)
        var device = try archive { try $0.addFile("./a", []) }
        device[156] = UInt8(ascii: "3")
        device[153] += 3
        #expect(code { _ = try read(device) } == .input)
        var limits = TarReader.Limits()
        limits.entries = 3
        #expect(code { _ = try read(sample(), limits: limits) } == .input)
        limits = .init()
        limits.totalBytes = 100
        #expect(code { _ = try read(sample(), limits: limits) } == .input)
    }

    @Test("altered bytes never crash the reader")
    func mutations() throws {
        let bytes = try sample()
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            var altered = bytes
            for _ in 0..<3 {
                altered[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            _ = try? read(altered)
        }
    }

    @Test("a file that does not have the announced size is refused")
    func sizes() throws {
        var tar = TarWriter { _ in }
        try tar.beginFile("a", size: 3, isExecutable: false)
        #expect(code { try tar.write([1, 2, 3, 4]) } == .changed)
        try tar.write([1])
        #expect(code { try tar.addDirectory("b/") } == .changed)
    }
}
