internal import Host
internal import Synchronization
package import SystemPackage

/// A log's files in a directory of this machine, locked against every other writer.
package final class DirectoryStorage: LogStorage {
    package let directory: FilePath
    /// Held until `unlock`; guards itself alone.
    private let lock: Mutex<FileLock.Token?>

    /// Makes the directory where it is absent, and locks it. Refuses when another process has it, and file systems that
    /// other machines write to, whose locks and syncs mean less than a log needs.
    package init(_ directory: FilePath) throws {
        self.directory = directory
        try Files.createDirectories(directory, mode: 0o755)
        guard try !FileSystem(of: directory).isRemote else {
            throw TileLogError(
                .malformed, "\(directory) is on a network file system; a log needs a disk of this machine")
        }
        guard let token = try FileLock(directory.appending("lock")).tryLock() else {
            throw TileLogError(
                .unreachable, "\(directory) is open in another process; one log has one writer, so end that one first")
        }
        lock = Mutex(token)
    }

    package func unlock() { lock.withLock { $0 = nil } }

    package func makeDirectory(_ name: String) throws { try Files.createDirectories(path(name)) }

    package func list(_ directory: String) throws -> [String] { try Files.list(path(directory)) }

    package func open(_ name: String) throws -> (any LogFile)? { try RandomAccessFile.open(path(name)).map(File.init) }

    package func create(_ name: String) throws -> any LogFile { File(try RandomAccessFile.create(path(name))) }

    package func replace(_ name: String, with bytes: [UInt8]) throws {
        try Files.write(bytes, to: path(name), durable: true)
    }

    package func remove(_ name: String) throws { try Files.remove(path(name)) }

    package func synchronizeNames(in directory: String) throws { try Files.synchronize(path(directory)) }

    package func freeByteCount() throws -> UInt64 {
        let system = try FileSystem(of: directory)
        return system.freeFileCount < 16 ? 0 : system.freeByteCount
    }

    private func path(_ name: String) -> FilePath { name.isEmpty ? directory : directory.appending(name) }

    private struct File: LogFile {
        let file: RandomAccessFile

        init(_ file: RandomAccessFile) { self.file = file }

        func size() throws -> Int { try file.size() }
        func read(_ count: Int, at offset: Int) throws -> [UInt8] { try file.read(count, at: offset) }
        func write(_ bytes: [UInt8], at offset: Int) throws { try file.write(bytes, at: offset) }
        func resize(to size: Int) throws { try file.resize(to: size) }
        func synchronize() throws { try file.synchronize() }
        func dropCached() { file.dropCached() }
    }
}
