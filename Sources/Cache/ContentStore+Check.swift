package import Bytes
internal import Host

/// The comparison of a laid-out tree with what it should be: a system call for each file, and no allocation.
extension ContentStore {
    /// A directory that was laid out, by its path in `trees`, and the tree that it should be.
    private struct LaidOut: Sendable {
        var path: String
        var tree: Digest
    }

    /// What a look at a directory that was laid out gave.
    struct LayoutCheck: Sendable {
        /// Whether every file has a name elsewhere, which is that of its blob.
        var sharesAllBlobs = true
    }

    /// What was found in one directory.
    private struct CheckedDirectory: Sendable {
        var below: [LaidOut] = []
        var sharesAllBlobs = true
    }

    /// Whether the directory `name` of `trees` is exactly the tree `root`, by names and statuses: kinds, sizes, modes and
    /// times of files, targets of links, and that there is nothing else. `nil` when it is not.
    func check(_ root: Digest, at name: String) async throws -> LayoutCheck? {
        var check = LayoutCheck()
        var level = [LaidOut(path: name, tree: root)]
        while !level.isEmpty {
            let found = try await concurrentMap(level, chunk: 8) { try self.checkOne($0) }
            level = []
            for directory in found {
                guard let directory else { return nil }
                level += directory.below
                check.sharesAllBlobs = check.sharesAllBlobs && directory.sharesAllBlobs
            }
        }
        return check
    }

    /// Whether every blob that the tree is made of is there, by its name and status: a system call for each.
    ///
    /// Where the tree is laid out, its files are the blobs themselves, and a look at them tells as much. Whoever mounts it
    /// next need not look again.
    package func isComplete(_ root: Digest) async throws -> Bool {
        if try await directory.withoutCollection({ try await matches(root, root.hex)?.sharesAllBlobs == true }) {
            return true
        }
        var level = [root]
        var seen: Set<Digest> = [root]
        while !level.isEmpty {
            let below = try await concurrentMap(level, chunk: 8) { try self.completeDirectories(in: $0) }
            level = []
            for found in below {
                guard let found else { return false }
                level += found.filter { seen.insert($0).inserted }
            }
        }
        return true
    }

    /// The directories in the tree `root`, or `nil` when it or one of its files is not there.
    private func completeDirectories(in root: Digest) throws -> [Digest]? {
        guard root != Self.emptyTree else { return [] }
        do {
            var entries = EncodedEntries(try read(root, limit: Tree.byteLimit))
            var below: [Digest] = []
            while let entry = try entries.next() {
                switch entry.kind {
                case .file: guard try isIntact(hash: entry.hash, isExecutable: entry.isExecutable) else { return nil }
                case .directory(let tree): below.append(tree)
                case .link: break
                }
            }
            return below
        } catch let error as CacheError where error.isMiss {
            return nil
        } catch is ParseError {
            return nil
        }
    }

    /// Whether the blob with this digest in hexadecimal digits is there, in the variant that is asked for or the other.
    private func isIntact(hash: ArraySlice<UInt8>, isExecutable: Bool) throws -> Bool {
        guard hash.count == 2 * Digest.byteCount, !hash.contains(UInt8(ascii: "/")) else { return false }
        // The name that the blob has as an executable; without its last two bytes, the other.
        var name: [UInt8] = []
        name.reserveCapacity(hash.count + 3)
        name += hash.prefix(2)
        name.append(UInt8(ascii: "/"))
        name += hash.dropFirst(2)
        name += ".x".utf8
        func isIntact(_ isExecutable: Bool) throws -> Bool {
            let status = try directory.blobs.status(ofPath: isExecutable ? name[...] : name.dropLast(2))
            return status.map { self.isIntact($0, isExecutable: isExecutable, size: $0.size) } ?? false
        }
        return try isIntact(isExecutable) || isIntact(!isExecutable)
    }

    /// Compares one directory; `nil` when it is not what it should be.
    private func checkOne(_ laidOut: LaidOut) throws -> CheckedDirectory? {
        let encoded: [UInt8]
        do {
            encoded = laidOut.tree == Self.emptyTree ? [] : try read(laidOut.tree, limit: Tree.byteLimit)
        } catch let error as CacheError where error.isMiss { return nil }
        let current = try directory.trees.directory(beneath: laidOut.path)
        var entries = EncodedEntries(encoded)
        var found = CheckedDirectory()
        var count = 0
        do {
            while let entry = try entries.next() {
                guard let status = try current.status(ofName: entry.name) else { return nil }
                switch entry.kind {
                case .file:
                    guard isIntact(status, isExecutable: entry.isExecutable, size: entry.size) else { return nil }
                    if status.linkCount < 2 { found.sharesAllBlobs = false }
                case .link:
                    guard status.kind == .link, try current.linkTarget(entry.text).utf8.elementsEqual(entry.target)
                    else { return nil }
                case .directory(let tree):
                    guard status.kind == .directory, status.mode == 0o755 else { return nil }
                    found.below.append(LaidOut(path: laidOut.path + "/" + entry.text, tree: tree))
                }
                count += 1
            }
        } catch is ParseError { return nil }
        // All names are there, and they differ from each other: as many names means the same names.
        return try current.nameCount() == count ? found : nil
    }
}

/// The entries of an encoded directory one by one, as parts of its bytes.
///
/// For bytes of the store, which were canonical when a tree was laid out of them; it checks what callers rely on: that
/// the names of one kind ascend, so that none is there twice.
struct EncodedEntries {
    struct Entry {
        enum Kind { case file, link, directory(Digest) }

        var kind: Kind
        var name: ArraySlice<UInt8>
        var size = 0
        /// A file's digest in hexadecimal digits, not checked.
        var hash: ArraySlice<UInt8> = []
        var isExecutable = false
        /// What a link says.
        var target: ArraySlice<UInt8> = []

        /// The name as text.
        var text: String { String(decoding: name, as: UTF8.self) }
    }

    private var fields: ProtobufReader
    private var last: (field: Int, name: ArraySlice<UInt8>) = (0, [])

    init(_ encoded: [UInt8]) { fields = ProtobufReader(encoded[...]) }

    /// The next entry; `nil` at the end.
    mutating func next() throws(ParseError) -> Entry? {
        let start = fields.position
        guard let (field, value) = try fields.next() else { return nil }
        guard case .bytes(let content) = value, (1...3).contains(field) else {
            throw ParseError("field \(field) is not one of a canonical directory", at: start)
        }
        let entry = try Self.entry(field, content)
        guard !entry.name.isEmpty,
            field > last.field || field == last.field && last.name.lexicographicallyPrecedes(entry.name)
        else { throw ParseError("an entry is out of order or repeated", at: start) }
        last = (field, entry.name)
        return entry
    }

    private static func entry(_ field: Int, _ content: ArraySlice<UInt8>) throws(ParseError) -> Entry {
        var reader = ProtobufReader(content)
        var entry = Entry(kind: field == 3 ? .link : .file, name: [])
        while let (number, value) = try reader.next() {
            switch (number, value) {
            case (1, .bytes(let name)): entry.name = name
            case (2, .bytes(let target)) where field == 3: entry.target = target
            case (2, .bytes(let message)):
                var parts = ProtobufReader(message)
                while let (part, value) = try parts.next() {
                    switch (part, value) {
                    case (1, .bytes(let hex)) where field == 2:
                        guard let tree = Digest(hex: String(decoding: hex, as: UTF8.self)) else {
                            throw ParseError("a digest that is not SHA-256", at: hex.startIndex)
                        }
                        entry.kind = .directory(tree)
                    case (1, .bytes(let hex)) where field == 1: entry.hash = hex
                    case (2, .varint(let size)): entry.size = Int(clamping: size)
                    default: break
                    }
                }
            case (4, .varint(let flag)): entry.isExecutable = flag != 0
            default: throw ParseError("field \(number) is not one of a canonical entry", at: content.startIndex)
            }
        }
        if field == 2, case .file = entry.kind {
            throw ParseError("a directory without a digest", at: content.startIndex)
        }
        return entry
    }
}
