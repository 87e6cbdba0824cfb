package import Bytes
internal import Host
package import SystemPackage

extension LineageStore.Input {
    /// The files at paths, those below a folder included; `-` is standard input. Files of folders that are no JSON by
    /// their name are passed over.
    package static func all(at paths: [FilePath]) throws -> [LineageStore.Input] {
        var inputs: [LineageStore.Input] = []
        for path in paths {
            if path.string == "-" {
                let bytes = ByteReader { try FileDescriptor.standardInput.part() }
                inputs.append(.init(name: "-", reader: bytes))
            } else if try Files.status(path)?.kind == .directory {
                let names = try DirectoryWalk(path).entries().filter { $0.kind == .regular }.map(\.path)
                for name in names.sorted(by: Files.isOrderedByBytes) where isDocument(name) {
                    inputs.append(.lazy(path.pushing(FilePath(name))))
                }
            } else {
                inputs.append(.init(name: path.string, reader: ByteReader(try OpenFile(reading: path))))
            }
        }
        return inputs
    }

    /// The file, opened when it is read: folders may hold more files than a process may open.
    private static func lazy(_ path: FilePath) -> LineageStore.Input {
        var reader: ByteReader?
        var isDone = false
        return .init(
            name: path.string,
            reader: ByteReader {
                if isDone { return nil }
                let open = try reader ?? ByteReader(try OpenFile(reading: path))
                reader = open
                let part = try open.next(limit: 1 << 20).map { Array($0) }
                if part == nil {
                    reader = nil
                    isDone = true
                }
                return part
            })
    }

    private static func isDocument(_ name: String) -> Bool {
        [".json", ".jsonl", ".sigstore", ".att"].contains { name.hasSuffix($0) }
    }
}

extension FileDescriptor {
    /// The next bytes; `nil` at the end.
    fileprivate func part() throws -> [UInt8]? {
        let bytes = try unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
            count = try unsafe read(into: UnsafeMutableRawBufferPointer(buffer))
        }
        return bytes.isEmpty ? nil : bytes
    }
}

extension LineageStore.ImportReport {
    /// What was done, for people.
    package var text: String {
        var parts = ["\(added) new"]
        if known > 0 { parts.append("\(known) known before") }
        if promoted > 0 { parts.append("\(promoted) known before and now verified") }
        if refusedCount > 0 { parts.append("\(refusedCount) refused") }
        return parts.joined(separator: ", ") + "\n"
    }

    /// A line for each document that was refused, as far as they are kept.
    package var refusals: [String] { refused.map { "\($0.place): \($0.reason)".safeForTerminal } }

    /// What was done, for programs.
    package var json: JSON {
        [
            "added": .integer(added), "known": .integer(known), "promoted": .integer(promoted),
            "refused": .integer(refusedCount),
            "refusals": .array(refused.map { ["place": .string($0.place), "reason": .string($0.reason)] }),
        ]
    }
}
