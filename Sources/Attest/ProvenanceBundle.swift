package import Bytes

/// Attestations as a file carries them: one DSSE envelope a line (in-toto Attestation Bundle).
///
/// Each line keeps its exact bytes, no two are equal, and the order is that of a build: dependencies first, the
/// package itself last.
package struct ProvenanceBundle: Sendable {
    /// One line.
    package struct Entry: Sendable {
        /// The bytes of the line without its end.
        package let line: [UInt8]
        /// The SHA-256 digest of `line`.
        package let digest: Digest
        package let envelope: Envelope
        /// The line's number in the file it was read from, from 1; its place in the bundle where it was made here.
        package let number: Int
    }

    /// How much a reader takes.
    package struct Limits: Hashable, Sendable {
        package var byteCount: Int
        package var lineByteCount: Int
        package var entryCount: Int

        /// 512 MiB in lines of 64 MiB, and 100,000 of them.
        package static let `default` = Limits(byteCount: 512 << 20, lineByteCount: 64 << 20, entryCount: 100_000)

        package init(byteCount: Int, lineByteCount: Int, entryCount: Int) {
            self.byteCount = byteCount
            self.lineByteCount = lineByteCount
            self.entryCount = entryCount
        }
    }

    /// The name of the bundle inside a saved archive.
    package static let archiveMember = "provenance-bundle.jsonl"
    /// What a sidecar's name adds to the name of its artifact.
    package static let sidecarSuffix = ".provenance.jsonl"

    package private(set) var entries: [Entry] = []
    private var seen: Set<Digest> = []

    package init() {}

    /// Reads a bundle. Empty lines between envelopes, which Leeway writes, and repeated lines are left out.
    package init(parsing bytes: [UInt8], limits: Limits = .default) throws(AttestError) {
        guard bytes.count <= limits.byteCount else {
            throw AttestError(.limit, "the bundle has \(bytes.count) bytes; the limit is \(limits.byteCount)")
        }
        var number = 0
        for slice in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            number += 1
            if slice.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
            guard slice.count <= limits.lineByteCount else {
                throw AttestError(.limit, "the line is longer than \(limits.lineByteCount) bytes", line: number)
            }
            guard entries.count < limits.entryCount else {
                throw AttestError(.limit, "the bundle has more than \(limits.entryCount) envelopes", line: number)
            }
            let line = Array(slice)
            let digest = Digest.of(line)
            guard seen.insert(digest).inserted else { continue }
            do {
                let envelope = try Envelope(
                    parsing: line, limits: JSONLimits(byteCount: limits.lineByteCount, depth: 16))
                entries.append(Entry(line: line, digest: digest, envelope: envelope, number: number))
            } catch {
                throw AttestError(error.code, error.message, line: number)
            }
        }
    }

    /// Adds an envelope at the end, unless its line is there already.
    package mutating func append(_ envelope: Envelope) {
        let line = envelope.line
        add(Entry(line: line, digest: Digest.of(line), envelope: envelope, number: entries.count + 1))
    }

    /// Adds an envelope at the end as it stands on a line of its own, with whatever else that line holds.
    package mutating func append(line: [UInt8]) throws(AttestError) {
        let envelope = try Envelope(
            parsing: line, limits: JSONLimits(byteCount: Limits.default.lineByteCount, depth: 16))
        add(Entry(line: line, digest: Digest.of(line), envelope: envelope, number: entries.count + 1))
    }

    /// Adds the lines of another bundle in their order, except those that are there already.
    package mutating func append(contentsOf other: ProvenanceBundle) {
        for entry in other.entries { add(entry) }
    }

    private mutating func add(_ entry: Entry) {
        guard seen.insert(entry.digest).inserted else { return }
        entries.append(
            Entry(line: entry.line, digest: entry.digest, envelope: entry.envelope, number: entries.count + 1))
    }

    /// Whether there is no envelope.
    package var isEmpty: Bool { entries.isEmpty }

    /// The bytes of the file: each line and a line feed, and where asked the empty line that Leeway puts after each.
    package func bytes(spaced: Bool = false) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(entries.reduce(0) { $0 + $1.line.count + 2 })
        for entry in entries {
            out += entry.line
            out.append(UInt8(ascii: "\n"))
            if spaced { out.append(UInt8(ascii: "\n")) }
        }
        return out
    }
}
