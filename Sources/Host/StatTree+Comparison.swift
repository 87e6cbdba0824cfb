internal import CHost
internal import Glibc
package import SystemPackage

extension StatTree {
    /// How a tree differs from what it was, when it still has the same names.
    package struct Comparison: Sendable {
        /// A status that is another one now.
        package struct Change: Sendable {
            /// Where its stamp is in the tree's bytes.
            let offset: Int
            package let status: FileStatus

            /// The same with the status that the file had when it was read.
            package func read(with status: FileStatus) -> Change { Change(offset: offset, status: status) }
        }

        /// A file with a number.
        package struct File: Sendable {
            package let number: Int
            /// Relative to the root.
            package let path: String
            package let change: Change
        }

        /// Watched files of which the content may be another one.
        package var files: [File] = []
        /// Directories that were written to and have the names that they had.
        package var directories: [Change] = []

        /// Whether every status is what it was.
        package var isSame: Bool { files.isEmpty && directories.isEmpty }
    }

    /// The differences between the tree below `root` and what it was, found on all cores. `nil` when a name was added or
    /// removed, when a file without a number changed, or when anything can't be told.
    package func compare(with root: FilePath) async throws -> Comparison? {
        let directory = try OpenFile(directory: root)
        guard Self.keepsTimes(directory), try directory.status().device == device else { return nil }
        let number = directory.number
        let parts = try await concurrentMap(Array(stride(from: 0, to: count, by: 64)), chunk: 1) { start in
            try compare(start..<min(start + 64, count), below: number)
        }
        _ = consume directory
        var comparison = Comparison()
        for part in parts {
            guard let part else { return nil }
            comparison.files += part.files
            comparison.directories += part.directories
        }
        return comparison
    }

    /// The same of some directories, by their numbers, below the open directory `root`.
    func compare(_ directories: Range<Int>, below root: Int32) throws -> Comparison? {
        var part = Part(bytes: bytes, root: root, device: device)
        for index in directories {
            let place = Int(bytes.half(at: Self.tableStart + 4 * index))
            guard try part.compare(directory: place) else { return nil }
        }
        return part.comparison
    }

    /// Whether `directory` is on a file system whose times can be relied upon: local ones that keep them in nanoseconds
    /// or say by whole seconds that they don't. A network's answers may be seconds old.
    private static func keepsTimes(_ directory: borrowing OpenFile) -> Bool {
        // ext2 to ext4, XFS, btrfs, tmpfs, overlayfs, ZFS, F2FS, bcachefs.
        let known: Set<UInt32> = [
            0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630, 0x2FC1_2FC1, 0xF2F5_2010, 0xCA45_1A4E,
        ]
        return known.contains(martlet_file_system(directory.number))
    }

    /// Whether the file system of `root` can be judged by statuses.
    package static func isPossible(at root: FilePath) -> Bool {
        guard let directory = try? OpenFile(directory: root) else { return false }
        return keepsTimes(directory)
    }

    /// The comparison of some directories, on one core. Reads nothing outside `bytes`, whatever they say.
    private struct Part {
        let bytes: [UInt8]
        let root: Int32
        let device: UInt64
        var comparison = Comparison()

        /// `false` when it differs by more than statuses.
        mutating func compare(directory start: Int) throws -> Bool {
            guard let head = StatTree.head(in: bytes, at: start) else { return false }
            // An empty path is the root itself.
            let isRoot = head.path.isEmpty
            let opened =
                isRoot
                ? root
                : unsafe withText(at: head.path.lowerBound, head.path.count) { unsafe martlet_open_place(root, $0) }
            guard let own = opened, own >= 0 else { return false }
            defer { if !isRoot { close(own) } }
            var raw = stat()
            guard unsafe fstat(own, &raw) == 0 else { return false }
            let status = FileStatus(raw)
            guard status.device == device, status.kind == .directory else { return false }
            if Stamp(status) != Stamp(bytes, at: start) {
                guard try hasSameNames(own, head.entryCount, from: head.first) else { return false }
                comparison.directories.append(.init(offset: start, status: status))
            }
            return compareEntries(own, head.entryCount, from: head.first, directory: head.path)
        }

        private mutating func compareEntries(
            _ directory: Int32, _ count: Int, from first: Int, directory path: Range<Int>
        ) -> Bool {
            var offset = first
            for _ in 0..<count {
                guard let entry = StatTree.next(in: bytes, &offset) else { return false }
                guard entry.isWatched || entry.kind == FileStatus.Kind.link.code else { continue }
                var raw = stat()
                let result = unsafe withText(at: entry.start, entry.length) { name in
                    unsafe fstatat(directory, name, &raw, 0)
                }
                guard let result else { return false }
                if result != 0 {
                    let leadsNowhere = errno == ENOENT || errno == ENOTDIR || errno == ELOOP
                    guard leadsNowhere, !entry.isWatched, entry.followed == StatTree.dangling else { return false }
                    continue
                }
                let status = FileStatus(raw)
                guard status.kind.code == entry.followed else { return false }
                guard entry.isWatched else { continue }
                let stamp = entry.stamp
                guard status.device == device else { return false }
                if Stamp(status) == Stamp(bytes, at: stamp) { continue }
                guard entry.hasNumber else { return false }
                let directory = String(decoding: bytes[path], as: UTF8.self)
                let own = String(decoding: bytes[entry.start..<(entry.start + entry.length)], as: UTF8.self)
                comparison.files.append(
                    .init(
                        number: Int(bytes.half(at: stamp + Stamp.size)),
                        path: directory.isEmpty ? own : directory + "/" + own,
                        change: .init(offset: stamp, status: status)))
            }
            return true
        }

        /// Calls `body` with the text at `start`; `nil` when it does not end with a NUL inside the bytes.
        private func withText(at start: Int, _ length: Int, _ body: (UnsafePointer<CChar>) -> Int32) -> Int32? {
            guard start + length < bytes.count, bytes[start + length] == 0 else { return nil }
            return unsafe bytes.withUnsafeBytes { all in
                unsafe all.baseAddress.map { unsafe body(($0 + start).assumingMemoryBound(to: CChar.self)) }
            }
        }

        /// Whether the open directory has exactly the names that it had, each of the same kind, and no link among them:
        /// one that was put in place of another may lead to the same file by another path.
        private func hasSameNames(_ directory: Int32, _ count: Int, from first: Int) throws -> Bool {
            var known: Set<[UInt8]> = []
            var offset = first
            for _ in 0..<count {
                guard let entry = StatTree.next(in: bytes, &offset), entry.kind != FileStatus.Kind.link.code else {
                    return false
                }
                known.insert([entry.kind] + bytes[entry.start..<(entry.start + entry.length)])
            }
            guard known.count == count else { return false }
            let number = unsafe martlet_openat(directory, ".", O_RDONLY | O_DIRECTORY, 0)
            guard number >= 0 else { return false }
            var reader = DirectoryReader(OpenFile(owning: number, path: "."))
            var found = 0
            var isSame = true
            try reader.forEach { name, kind in
                found += 1
                guard let kind else {
                    isSame = false
                    return
                }
                if !known.contains([kind.code] + FileName.bytes(name)) { isSame = false }
            }
            return isSame && found == count
        }
    }
}
