internal import Bytes

/// Reads a tar archive that may be hostile: ustar, pax and GNU headers, nothing is written to disk.
///
/// Refuses absolute paths, `..`, entries below a link, repeated names, devices and pipes, and whatever is malformed,
/// truncated, or beyond the limits.
package struct TarReader: ~Copyable {
    /// Limits on what an archive may ask for.
    package struct Limits: Sendable {
        package var entries = 2_000_000
        package var pathBytes = 4096
        /// The bytes of all files together.
        package var totalBytes = 1 << 40
        /// The bytes of one extended header.
        package var headerBytes = 1 << 20

        package init() {}
    }

    /// One member of an archive.
    package struct Entry: Hashable, Sendable {
        package enum Kind: Hashable, Sendable {
            case file(isExecutable: Bool)
            case directory
            /// A symbolic link and what it says.
            case link(String)
            /// A second name of the file at this path, which came before.
            case hardLink(String)
        }

        /// Relative, without `./` before and `/` behind; empty for the root.
        package var path: String
        package var kind: Kind
        /// The bytes of content that follow.
        package var size: Int
        package var attributes = TarAttributes()
    }

    private let source: ByteReader
    private let limits: Limits
    private var state = TarState()
    /// Content and padding of the current entry that have not been read.
    private var left = 0
    private var padding = 0

    package init(_ source: ByteReader, limits: Limits = Limits()) {
        self.source = source
        self.limits = limits
    }

    /// The next entry, after the content of the one before, read or not; `nil` at the end of the archive.
    package mutating func next() throws -> Entry? {
        try skipContent()
        while true {
            let start = source.position
            let block = try source.read(512)
            guard block.count == 512 else { throw Self.error("the archive ends too early", start) }
            if block.allSatisfy({ $0 == 0 }) {
                try finish(start)
                return nil
            }
            let header = try TarHeader(block, at: start)
            if let extended = header.extendedKind {
                try readExtended(header, extended, start)
                continue
            }
            let entry = try state.entry(header, limits: limits, at: start)
            left = entry.size
            padding = (512 - entry.size % 512) % 512
            return entry
        }
    }

    /// The content of the current entry; `.tooLarge` when there is more than `limit`.
    package mutating func content(limit: Int) throws -> [UInt8] {
        guard left <= limit else {
            throw HostError(.tooLarge, "a file in the archive has \(left) bytes, more than the \(limit) accepted here")
        }
        var bytes: [UInt8] = []
        // What a header claims is not believed beyond what costs nothing.
        bytes.reserveCapacity(min(left, Self.greatestReserve))
        while let part = try nextSlice() { bytes += part }
        return bytes
    }

    /// The bytes that are set apart at the word of a header.
    private static let greatestReserve = 64 << 20

    /// The next bytes of the current entry's content; `nil` at its end.
    package mutating func nextPart() throws -> [UInt8]? { try nextSlice().map { Array($0) } }

    private mutating func nextSlice() throws -> ArraySlice<UInt8>? {
        guard left > 0 else { return nil }
        guard let part = try source.next(limit: left) else {
            throw Self.error("the archive ends inside a file", source.position)
        }
        left -= part.count
        return part
    }

    private mutating func skipContent() throws {
        guard try source.skip(left + padding) else {
            throw Self.error("the archive ends inside a file", source.position)
        }
        left = 0
        padding = 0
    }

    private mutating func readExtended(_ header: TarHeader, _ kind: TarHeader.Extended, _ start: Int) throws {
        guard header.size <= limits.headerBytes else { throw Self.error("an extended header is too large", start) }
        let content = try source.read(header.size)
        guard content.count == header.size, try source.skip((512 - header.size % 512) % 512) else {
            throw Self.error("the archive ends inside an extended header", start)
        }
        try state.extend(kind, content, at: start)
    }

    /// Behind the two empty blocks only padding may follow: other content would be seen by some readers only.
    private func finish(_ start: Int) throws {
        guard state.isComplete else { throw Self.error("an extended header without an entry", start) }
        let block = try source.read(512)
        guard block.count == 512, block.allSatisfy({ $0 == 0 }) else {
            throw Self.error("the archive does not end with two empty blocks; it may be truncated", start)
        }
        while let part = try source.next(limit: .max) {
            guard part.allSatisfy({ $0 == 0 }) else {
                throw Self.error("something follows the end of the archive", source.position)
            }
        }
    }

    /// The size of the file that `block`, the first of an archive, is the plain header of; `nil` when it is anything else.
    package static func size(ofFirstFile path: String, in block: [UInt8]) -> Int? {
        guard block.count == 512, let header = try? TarHeader(block, at: 0), header.type == UInt8(ascii: "0"),
            header.prefix.isEmpty, header.name == Array(path.utf8)
        else { return nil }
        return header.size
    }

    static func error(_ message: String, _ offset: Int) -> HostError {
        HostError(.input, "\(message) (at byte \(offset) of the archive)")
    }
}
