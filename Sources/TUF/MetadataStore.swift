internal import Bytes
internal import Host
internal import Synchronization
package import SystemPackage

/// Where a client keeps what it has verified. Nothing in it is believed: what is read is verified again.
package protocol MetadataStore: Sendable {
    /// The bytes of the entry called `name`; `nil` where there is none.
    func read(_ name: String, limit: Int) throws(TUFError) -> [UInt8]?
    /// Replaces the entry called `name` in one step.
    func write(_ bytes: [UInt8], _ name: String) throws(TUFError)
    /// Removes the entry called `name` where there is one.
    func remove(_ name: String) throws(TUFError)
    /// Keeps other processes from updating, or from reading while one updates, until `release` is called.
    func lock(exclusively: Bool) async throws(TUFError) -> StoreLock
}

/// A lock that is held until this value ends.
package struct StoreLock: ~Copyable, Sendable {
    private let token: FileLock.Token?

    init(_ token: consuming FileLock.Token?) { self.token = token }

    /// A lock of a store that nobody else can reach.
    package init() { token = nil }

    package consuming func release() {}
}

/// A store in a folder that many processes may use.
package struct FolderStore: MetadataStore {
    package let folder: FilePath

    package init(_ folder: FilePath) { self.folder = folder }

    package func read(_ name: String, limit: Int) throws(TUFError) -> [UInt8]? {
        do {
            return try Files.read(folder.appending(name), limit: limit)
        } catch let error as HostError where error.code == .notFound {
            return nil
        } catch let error as HostError where error.code == .tooLarge || error.code == .input {
            // Not what was written: the entry is as good as absent, and an update writes it anew.
            return nil
        } catch {
            throw TUFError(.storage, "\(error)")
        }
    }

    package func write(_ bytes: [UInt8], _ name: String) throws(TUFError) {
        try attempt {
            let path = folder.appending(name)
            try Files.createDirectories(path.removingLastComponent())
            try Files.write(bytes, to: path, durable: true)
        }
    }

    package func remove(_ name: String) throws(TUFError) {
        do {
            try Files.remove(folder.appending(name))
        } catch let error as HostError where error.code == .notFound {
        } catch {
            throw TUFError(.storage, "\(error)")
        }
    }

    package func lock(exclusively: Bool) async throws(TUFError) -> StoreLock {
        do {
            if exclusively { try Files.createDirectories(folder) }
            return StoreLock(try await FileLock(folder.appending("lock")).lock(exclusively ? .exclusive : .shared))
        } catch let error as HostError
            where !exclusively && (error.code != .system || error.errorNumber == Errno.readOnlyFileSystem.rawValue)
        {
            // A folder that can't be written, such as a read-only medium, changes under nobody's hands.
            return StoreLock()
        } catch {
            throw TUFError(.storage, "\(error)")
        }
    }

    private func attempt(_ body: () throws -> Void) throws(TUFError) {
        do {
            try body()
        } catch {
            throw TUFError(.storage, "\(error)")
        }
    }
}

/// A store that ends with the process.
package final class MemoryStore: MetadataStore {
    /// Guards the entries; nothing else is locked while it is held.
    private let entries = Mutex<[String: [UInt8]]>([:])

    package init() {}

    package func read(_ name: String, limit: Int) throws(TUFError) -> [UInt8]? {
        entries.withLock { $0[name] }.flatMap { $0.count <= limit ? $0 : nil }
    }

    package func write(_ bytes: [UInt8], _ name: String) throws(TUFError) { entries.withLock { $0[name] = bytes } }

    package func remove(_ name: String) throws(TUFError) { entries.withLock { $0[name] = nil } }

    package func lock(exclusively: Bool) async throws(TUFError) -> StoreLock { StoreLock() }
}
