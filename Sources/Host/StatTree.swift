package import Bytes

/// What a walk over a directory tree saw: every name with its kind, and the statuses of directories and of some files.
///
/// As bytes that can be kept and compared with the tree as it is now, without taking them apart. A directory whose
/// status is what it was has the names that it had; a file whose status is what it was has the content that it had.
/// A status that was read so soon after a change that another change might not show in it is not kept, so that whoever
/// compares looks again (docs/formats/snapshot.md).
package struct StatTree: Sendable {
    /// A name in a directory.
    package struct Entry: Sendable {
        package var name: [UInt8]
        /// What the name is; a link is not followed.
        package var kind: FileStatus.Kind
        /// What a link leads to; `nil` when it leads to nothing.
        package var followed: FileStatus.Kind?
        /// Set for files whose content counts.
        package var watched: Watched?

        package init(
            name: [UInt8], kind: FileStatus.Kind, followed: FileStatus.Kind? = nil, watched: Watched? = nil
        ) {
            self.name = name
            self.kind = kind
            self.followed = followed
            self.watched = watched
        }
    }

    /// A file whose content counts.
    package struct Watched: Sendable {
        /// Through any link, read before the content.
        package var status: FileStatus
        /// The caller's number for the file; `nil` when a change of it is no less than a change of the tree.
        package var number: Int?

        package init(status: FileStatus, number: Int?) {
            self.status = status
            self.number = number
        }
    }

    /// A directory with all its names.
    package struct Directory: Sendable {
        /// Relative to the root; empty for the root.
        package var path: String
        /// Through any link, read before the names.
        package var status: FileStatus
        package var entries: [Entry]

        package init(path: String, status: FileStatus, entries: [Entry]) {
            self.path = path
            self.status = status
            self.entries = entries
        }
    }

    /// The most directories that are kept.
    package static let directoryLimit = 1_000_000

    // Little-endian. The device (8), the count of directories (4), where each begins (4 each), then the directories:
    // stamp (36), the count of entries (4), the path's length (2), the path and a NUL; then for each
    // entry its kind (1), what it leads to (1), flags (1), the name's length (1), the name and a NUL, and for watched
    // ones the stamp (36) and the number (4).
    private(set) var bytes: [UInt8]
    let count: Int

    static let tableStart = 12

    /// The bytes to be kept.
    package var encoded: [UInt8] { bytes }

    /// One directory as the tree's bytes have it.
    package struct EncodedDirectory: Sendable {
        fileprivate var bytes: [UInt8] = []

        /// `nil` when it can't be judged by statuses: some of it is on another file system than `device`, or too large.
        /// - Parameter began: when the first status was read, in nanoseconds since 1970.
        package init?(_ directory: Directory, device: UInt64, began: Int64) {
            guard directory.status.device == device, directory.path.utf8.count < 4096 else { return nil }
            Stamp(directory.status, began: began).append(to: &bytes)
            bytes.append(little: UInt32(directory.entries.count))
            bytes.append(little: UInt16(directory.path.utf8.count))
            bytes += directory.path.utf8
            bytes.append(0)
            for entry in directory.entries {
                guard append(entry, device: device, began: began) else { return nil }
            }
        }

        private mutating func append(_ entry: Entry, device: UInt64, began: Int64) -> Bool {
            guard entry.name.count < 256 else { return false }
            bytes.append(entry.kind.code)
            bytes.append(entry.kind == .link ? entry.followed?.code ?? StatTree.dangling : entry.kind.code)
            bytes.append((entry.watched == nil ? 0 : 1) | (entry.watched?.number == nil ? 0 : 2))
            bytes.append(UInt8(entry.name.count))
            bytes += entry.name
            bytes.append(0)
            guard let watched = entry.watched else { return true }
            guard watched.status.device == device else { return false }
            Stamp(watched.status, began: began).append(to: &bytes)
            bytes.append(little: UInt32(clamping: watched.number ?? 0))
            return true
        }
    }

    /// `nil` when there are too many directories.
    /// - Parameter device: the file system that all of them are on.
    package init?(_ directories: [EncodedDirectory], device: UInt64) {
        guard !directories.isEmpty, directories.count <= Self.directoryLimit else { return nil }
        count = directories.count
        bytes = []
        let size = directories.reduce(Self.tableStart + 4 * count) { $0 + $1.bytes.count }
        guard size < 1 << 31 else { return nil }
        bytes.reserveCapacity(size)
        bytes.append(little: device)
        bytes.append(little: UInt32(count))
        var place = Self.tableStart + 4 * count
        for directory in directories {
            bytes.append(little: UInt32(place))
            place += directory.bytes.count
        }
        for directory in directories { bytes += directory.bytes }
    }

    /// What stands for the kind of what a link leads to when that is nothing.
    static let dangling: UInt8 = 0xFF

    /// Takes bytes that were kept. Only their frame is checked here; the rest is when it is compared.
    package init(decoding bytes: [UInt8]) throws(ParseError) {
        guard bytes.count >= Self.tableStart else { throw ParseError("the tree's head is cut off", at: 0) }
        let count = Int(bytes.half(at: 8))
        guard count <= Self.directoryLimit, bytes.count >= Self.tableStart + 4 * count else {
            throw ParseError("an impossible count of directories", at: 8)
        }
        self.bytes = bytes
        self.count = count
    }

    /// A directory's own part of the bytes, before its names.
    struct Head {
        /// Where the path is; a NUL follows.
        var path: Range<Int>
        var entryCount: Int
        /// Where the first name's part begins.
        var first: Int
    }

    /// One name in a directory.
    struct Name {
        var kind: UInt8
        var followed: UInt8
        var isWatched: Bool
        var hasNumber: Bool
        /// Where the name is, and its length; a NUL follows.
        var start: Int
        var length: Int
        /// Where the stamp of a watched one is.
        var stamp: Int { start + length + 1 }
    }

    /// The head of the directory at `start`; `nil` when it is not whole.
    static func head(in bytes: [UInt8], at start: Int) -> Head? {
        guard start >= tableStart, start + Stamp.size + 6 <= bytes.count else { return nil }
        let length = Int(bytes[start + Stamp.size + 4]) | Int(bytes[start + Stamp.size + 5]) << 8
        let path = start + Stamp.size + 6
        guard path + length < bytes.count else { return nil }
        return Head(
            path: path..<(path + length), entryCount: Int(bytes.half(at: start + Stamp.size)), first: path + length + 1)
    }

    /// Reads the name at `offset` and goes on to the next; `nil` when it is not whole.
    static func next(in bytes: [UInt8], _ offset: inout Int) -> Name? {
        guard offset + 4 <= bytes.count else { return nil }
        let flags = bytes[offset + 2]
        let name = Name(
            kind: bytes[offset], followed: bytes[offset + 1], isWatched: flags & 1 != 0, hasNumber: flags & 2 != 0,
            start: offset + 4, length: Int(bytes[offset + 3]))
        offset += 4 + name.length + 1 + (name.isWatched ? Stamp.size + 4 : 0)
        return offset <= bytes.count ? name : nil
    }

    /// The file system that all of it was on.
    var device: UInt64 { bytes.word(at: 0) }

    /// Takes over what the status of a directory or file is by now, where `Comparison` found it.
    package mutating func renew(_ changes: [Comparison.Change], began: Int64) {
        for change in changes { bytes.replace(at: change.offset, with: Stamp(change.status, began: began).bytes) }
    }
}

/// What of a status says whether a file or the names of a directory changed.
struct Stamp: Equatable {
    static let size = 36

    var inode: UInt64
    var length: Int64
    var modified: Int64
    var changed: Int64
    /// The kind's code above the permission bits.
    var mode: UInt32

    /// Empty, so that it is like no other, when the status is too fresh to be relied upon.
    init(_ status: FileStatus, began: Int64) {
        self.init(status)
        if !status.isSettled(before: began) { (inode, length, modified, changed, mode) = (0, -1, 0, 0, 0) }
    }

    init(_ status: FileStatus) {
        inode = status.inode
        // What a directory's size means is the file system's affair.
        length = status.kind == .directory ? 0 : Int64(status.size)
        modified = status.modified
        changed = status.changed
        mode = UInt32(status.kind.code) << 16 | UInt32(status.mode)
    }

    init(_ bytes: [UInt8], at offset: Int) {
        inode = bytes.word(at: offset)
        length = Int64(bitPattern: bytes.word(at: offset + 8))
        modified = Int64(bitPattern: bytes.word(at: offset + 16))
        changed = Int64(bitPattern: bytes.word(at: offset + 24))
        mode = bytes.half(at: offset + 32)
    }

    var bytes: [UInt8] {
        var out: [UInt8] = []
        append(to: &out)
        return out
    }

    func append(to out: inout [UInt8]) {
        out.append(little: inode)
        out.append(little: length)
        out.append(little: modified)
        out.append(little: changed)
        out.append(little: mode)
    }
}

extension FileStatus {
    /// Whether a later change would show in the status of a file that had this one at `began`, in nanoseconds since 1970.
    ///
    /// Times of files advance in ticks, so a change right after another one may leave both times as they are. A time of
    /// whole seconds may come from a file system that has no finer ones.
    package func isSettled(before began: Int64) -> Bool {
        let margin: Int64 = changed % 1_000_000_000 == 0 ? 3_000_000_000 : StatIndex.tick
        return changed < began - margin
    }
}

extension FileStatus.Kind {
    /// A number for the kind, for formats of ours.
    var code: UInt8 {
        switch self {
        case .regular: 1
        case .directory: 2
        case .link: 3
        case .fifo: 4
        case .socket: 5
        case .characterDevice: 6
        case .blockDevice: 7
        }
    }
}
