internal import Bytes
internal import Host
package import SystemPackage

/// Where a repository's files come from.
package protocol MetadataSource: Sendable {
    /// The bytes of the metadata file `name`, such as `5.root.json`; `nil` only where there definitely is none. The name
    /// of a delegated role is part of it as it is; how it is escaped is the source's matter.
    ///
    /// Gives no more than `limit` bytes: `.limit` where there are more, `.unreachable` where nobody can say.
    func metadata(_ name: String, limit: Int) async throws(TUFError) -> [UInt8]?

    /// The bytes of the file of a target at `path`, which may have slashes; as `metadata`.
    func target(_ path: String, limit: Int) async throws(TUFError) -> [UInt8]?
}

/// A repository in a folder, such as a copy on a medium that was carried here.
package struct FolderSource: MetadataSource {
    private let metadata: FilePath
    private let targets: FilePath

    /// Takes the folders of metadata and of targets.
    package init(metadata: FilePath, targets: FilePath) {
        self.metadata = metadata
        self.targets = targets
    }

    /// Takes a folder with both: metadata in `metadata` where there is such a folder, else beside `targets`.
    package init(_ folder: FilePath) {
        let inside = folder.appending("metadata")
        let hasOwn = (try? Files.exists(inside)) == true
        self.init(metadata: hasOwn ? inside : folder, targets: folder.appending("targets"))
    }

    package func metadata(_ name: String, limit: Int) async throws(TUFError) -> [UInt8]? {
        try read(metadata, name, limit)
    }

    package func target(_ path: String, limit: Int) async throws(TUFError) -> [UInt8]? {
        try read(targets, path, limit)
    }

    private func read(_ folder: FilePath, _ path: String, _ limit: Int) throws(TUFError) -> [UInt8]? {
        guard let relative = RepositoryPath(path) else {
            throw TUFError(.malformed, "the path \(path.safeForTerminal) leads out of a repository")
        }
        do {
            return try Files.read(folder.appending(relative.text), limit: limit)
        } catch let error as HostError where error.code == .notFound {
            return nil
        } catch let error as HostError where error.code == .tooLarge {
            throw TUFError(.limit, "\(error)")
        } catch {
            throw TUFError(.unreachable, "\(error)")
        }
    }
}

/// A path inside a repository: components that are names, parted by slashes.
package struct RepositoryPath: Hashable, Sendable {
    package let text: String

    /// `nil` for paths that could lead elsewhere, and for control characters.
    package init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let areNames = parts.allSatisfy { part in
            !part.isEmpty && !part.elementsEqual(".".utf8) && !part.elementsEqual("..".utf8)
                && part.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        }
        guard areNames, text.utf8.count <= 2048 else { return nil }
        self.text = text
    }

    /// The path with `prefix` and a dot in front of its last component.
    func prefixed(_ prefix: String) -> String {
        guard let slash = text.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "\(prefix).\(text)" }
        return "\(text[...slash])\(prefix).\(text[text.utf8.index(after: slash)...])"
    }

    /// `text` as one file name: everything but letters, digits, `_`, `.`, `-` and `~` is percent-encoded, as URLs and
    /// other clients' folders have it.
    package static func encoded(_ text: String, keepingSlashes: Bool = false) -> String {
        var out: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "~"):
                out.append(byte)
            case UInt8(ascii: "/") where keepingSlashes: out.append(byte)
            default: out += Array("%\(Hex.encode([byte]).uppercased())".utf8)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
