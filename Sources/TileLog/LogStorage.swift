/// Where a log keeps its files. Names are relative, with a slash between directory and file.
///
/// The log's promises rest on these rules, and a simulated disk breaks whatever they leave open: what was written is on
/// the disk only after `synchronize` of the file returned, in any order and torn into sectors until then; a file's name
/// only after `synchronizeNames` of its directory returned.
package protocol LogStorage: Sendable {
    /// Makes a directory; no error when it is there.
    func makeDirectory(_ name: String) throws
    /// The names in a directory, sorted.
    func list(_ directory: String) throws -> [String]
    /// Opens a file to read and write; `nil` when it is definitely absent.
    func open(_ name: String) throws -> (any LogFile)?
    /// Makes an empty file; it is an error when the name exists.
    func create(_ name: String) throws -> any LogFile
    /// Replaces a small file in one step that survives a crash: before it the old content, after it the new.
    func replace(_ name: String, with bytes: [UInt8]) throws
    /// Removes a file; no error when it is absent.
    func remove(_ name: String) throws
    /// Waits until the names in a directory are on the disk.
    func synchronizeNames(in directory: String) throws
    /// The bytes that may still be written; 0 when no file may be made.
    func freeByteCount() throws -> UInt64
    /// Lets others open the log. Nothing is written after it.
    func unlock()
}

/// An open file of a log. Calls block.
package protocol LogFile: Sendable {
    func size() throws -> Int
    /// Up to `count` bytes from `offset` on; fewer only at the end of the file.
    func read(_ count: Int, at offset: Int) throws -> [UInt8]
    /// Writes all of `bytes`; after an error, a part of them may be there.
    func write(_ bytes: [UInt8], at offset: Int) throws
    func resize(to size: Int) throws
    /// Waits until content and size are on the disk. After an error the file must not be trusted.
    func synchronize() throws
    /// Makes the next read come from the disk.
    func dropCached()
}

extension LogStorage {
    /// Opens a file, and makes it where it is absent.
    func openOrCreate(_ name: String) throws -> any LogFile {
        if let file = try open(name) { return file }
        return try create(name)
    }
}

extension LogFile {
    /// Exactly `count` bytes; `nil` where the file ends before.
    func readExactly(_ count: Int, at offset: Int) throws -> [UInt8]? {
        let bytes = try read(count, at: offset)
        return bytes.count == count ? bytes : nil
    }
}
