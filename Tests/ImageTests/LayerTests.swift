import Bytes
import Host
import Registry
import SystemPackage
import TestKit
import Testing

@testable import Image

struct LayerTests {
    @Test("A layer is the same whatever is asked, and holds what was put in", arguments: LayerCompression.allCases)
    func layer(_ compression: LayerCompression) throws {
        let entries: [LayerEntry] = [
            .directory(""), .directory("tmp", mode: 0o1777), .directory("home/x", mode: 0o700, owner: 65532, group: 7),
            .file("a", Array("content".utf8), mode: 0o4755, modified: 1_514_722_362),
            LayerEntry(path: "b", kind: .hardLink("a"), attributes: TarAttributes(mode: 0o4755)),
            LayerEntry(path: "c", kind: .link("/a"), attributes: TarAttributes(mode: 0o777)),
            .file(String(repeating: "d/", count: 140) + "e", [], mode: 0o555),
            LayerEntry(path: "f", kind: .directory, attributes: TarAttributes(mode: 0o755, owner: 3_000_000)),
        ]
        let layer = try LayerWriter.write(entries, compression)
        #expect(try LayerWriter.write(entries, compression).digest == layer.digest)
        let tar = try Compression.decompress(layer.blob, limit: 1 << 20)
        #expect(Digest.of(tar) == layer.diffID && tar.count == layer.tarSize)
        var reader = TarReader(ByteReader(tar))
        var read: [LayerEntry] = []
        while let entry = try reader.next() {
            read.append(
                LayerEntry(
                    path: entry.path, kind: entry.kind, attributes: entry.attributes,
                    content: try reader.content(limit: 1 << 20)))
        }
        // A number that ustar can't hold is in an extended header, which our own reader passes over.
        read.removeAll { $0.path == LayerTOC.name }
        #expect(read.dropLast() == entries.dropLast())
    }

    @Test("Files of a package go below /usr where that is merged, and links and directories stay out of the way")
    func merged() throws {
        func entries(_ paths: [(String, TarReader.Entry.Kind)], isMerged: Bool) throws -> [String] {
            let package = DebianPackage(
                name: "x", version: "1", architecture: "all", control: Array("Package: x\n".utf8), md5sums: nil,
                entries: paths.map { LayerEntry(path: $0.0, kind: $0.1, attributes: TarAttributes()) })
            return try PackageLayer.entries(package, isMerged: isMerged).map(\.path)
        }
        let file = TarReader.Entry.Kind.file(isExecutable: false)
        let status = ["var", "var/lib", "var/lib/dpkg", "var/lib/dpkg/status.d", "var/lib/dpkg/status.d/x"]
        let paths: [(String, TarReader.Entry.Kind)] = [
            ("", .directory), ("lib", .directory), ("lib/a", file), ("usr", .directory), ("usr/lib", .directory),
            ("sbin/b", .hardLink("lib/a")),
        ]
        #expect(
            try entries(paths, isMerged: true) == ["usr/lib/a", "usr", "usr/lib", "usr/sbin/b"] + status)
        #expect(try entries(paths, isMerged: false) == ["lib", "lib/a", "usr", "usr/lib", "sbin/b"] + status)
        #expect(throws: ImageError.self) { try entries([("lib/a", file), ("usr/lib/a", file)], isMerged: true) }
        #expect(throws: ImageError.self) {
            try LayerWriter.write([.file("a/.wh.b", [])], .none)
        }
    }

    @Test("Names of libraries are ordered as the linker compares them")
    func order() {
        let sorted = ["libz.so.1", "libc.so.10", "libc.so.6", "libc.so", "liba2.so.1", "liba.so.1"]
        for (index, left) in sorted.enumerated() {
            for (other, right) in sorted.enumerated() {
                let order = LinkerCache.compare(Array(left.utf8), Array(right.utf8))
                #expect((order > 0) == (index < other) && (order == 0) == (index == other), "\(left) and \(right)")
            }
        }
    }

    @Test(
        "The linker's cache of this machine's libraries is read by ldconfig as its own is",
        .enabled(if: ToolPath.find("ldconfig", path: "/usr/sbin:/sbin") != nil, "ldconfig is absent"))
    func linkerCache() async throws {
        let triplet = Machine.architecture == "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu"
        let directory = try TemporaryDirectory()
        var files: [LinkerCache.File] = []
        try Files.createDirectories(directory["root/usr/lib/\(triplet)"])
        try Files.createDirectories(directory["root/etc"])
        try Files.symlink("usr/lib", at: directory["root/lib"])
        try directory.write("/lib/\(triplet)\n/usr/lib/\(triplet)\n", to: "root/etc/ld.so.conf")
        for name in try Files.list(FilePath("/usr/lib/\(triplet)")) where name.hasPrefix("lib") && name.contains(".so.")
        {
            let path = "usr/lib/\(triplet)/\(name)"
            guard files.count < 60, LinkerCache.isCandidate(path) else { continue }
            let source = FilePath("/" + path)
            guard let status = try Files.status(source, followingLinks: false), status.size < 4 << 20 else { continue }
            if status.kind == .link {
                let target = try Files.readLink(source)
                guard !target.contains("/") else { continue }
                try Files.symlink(target, at: directory["root/\(path)"])
                files.append(LinkerCache.File(path: path, library: nil))
            } else {
                let bytes = try Files.read(source, limit: 4 << 20)
                try Files.write(bytes, to: directory["root/\(path)"], mode: 0o755)
                if let library = SharedLibrary(bytes, name: name) {
                    files.append(LinkerCache.File(path: path, library: library))
                }
            }
        }
        let bytes = try #require(LinkerCache.bytes(files, architecture: Machine.architecture, isMerged: true))
        try Files.write(bytes, to: directory["ours"])
        func lines(_ arguments: [String]) async throws -> [String] {
            let outcome = try await ChildProcess.run(
                ["/sbin/ldconfig"] + arguments, outputLimit: 1 << 20, timeLimit: .seconds(60))
            return outcome.outputText.split(separator: "\n").map(String.init).filter { $0.hasPrefix("\t") }
        }
        // Theirs makes missing links, which would be more than ours knows; -X leaves them.
        _ = try await lines(["-X", "-r", directory["root"].string, "-C", "/etc/theirs"])
        let ours = try await lines(["-p", "-C", directory["ours"].string])
        let theirs = try await lines(["-p", "-C", directory["root/etc/theirs"].string])
        #expect(!ours.isEmpty)
        // Where the soname's link was not copied, theirs lists what is not there.
        let missing = theirs.filter { !ours.contains($0) }
        #expect(ours.filter { !theirs.contains($0) }.isEmpty)
        for line in missing {
            let path = line.split(separator: " ").last ?? ""
            #expect(try Files.status(directory["root\(path)"], followingLinks: false) == nil, "\(line)")
        }
        #expect(ours == theirs.filter { ours.contains($0) })
    }
}
