internal import Bytes
internal import Host

/// The files that a batch is committed to: a ring of segments, written in full once and then overwritten, so that a
/// commit changes no size, name or block map and costs one wait for the disk.
struct WriteAheadLog: Sendable {
    /// One file of the ring.
    private struct Segment: Sendable {
        let file: any LogFile
        /// One past the last entry that it holds; its room is free when packs have all of these.
        var endIndex: UInt64 = 0
    }

    static let directory = "wal"

    private var segments: [Segment]
    private let layout: LogSettings.Layout
    private var segmentByteCount: Int { layout.segmentByteCount }
    /// The place of the next record.
    private var current = 0
    private var offset = 0
    private var segment: UInt64 = 1
    private var nextNumber: UInt64 = 0
    private var previous = Digest.of([UInt8]())

    /// Makes the files of a new log, filled with zeros. It may be run again after a crash.
    static func create(_ storage: any LogStorage, _ layout: LogSettings.Layout) throws {
        try storage.makeDirectory(directory)
        let zeros = [UInt8](repeating: 0, count: min(layout.segmentByteCount, 1 << 20))
        for number in 0..<layout.segmentCount {
            let file = try storage.openOrCreate(fileName(number))
            for offset in stride(from: 0, to: layout.segmentByteCount, by: zeros.count) {
                let count = min(zeros.count, layout.segmentByteCount - offset)
                try file.write(count == zeros.count ? zeros : Array(zeros[..<count]), at: offset)
            }
            try file.synchronize()
        }
        try storage.synchronizeNames(in: directory)
    }

    private static func fileName(_ number: Int) -> String { "\(directory)/\(number)" }

    private init(segments: [any LogFile], _ layout: LogSettings.Layout) {
        self.segments = segments.map { Segment(file: $0) }
        self.layout = layout
    }

    /// Whether a record of so many bytes can be written when packs hold `durable` entries on the disk.
    func hasRoom(for byteCount: Int, durable: UInt64) -> Bool {
        offset + LogRecord.aligned(byteCount, layout.blockByteCount) <= segmentByteCount
            || segments[(current + 1) % segments.count].endIndex <= durable
    }

    /// Writes a record and waits for the disk: the moment at which its entries are in the log.
    ///
    /// An error of kind `full` left nothing behind that counts; after every other the log must stop.
    mutating func append(_ record: LogRecord) throws {
        let needed = record.entries.reduce(LogRecord.headerByteCount + record.note.utf8.count) {
            $0 + $1.recordByteCount
        }
        if offset + LogRecord.aligned(needed, layout.blockByteCount) > segmentByteCount {
            current = (current + 1) % segments.count
            offset = 0
            segment += 1
        }
        var record = record
        record.segment = segment
        record.number = nextNumber
        record.previous = previous
        let (bytes, digest) = record.encode(block: layout.blockByteCount)
        precondition(offset + bytes.count <= segmentByteCount, "the record is longer than a segment")
        do {
            try segments[current].file.write(bytes, at: offset)
        } catch let error as HostError where error.code == .noSpace {
            throw TileLogError(.full, "the write-ahead log can't be written: \(error)")
        }
        try segments[current].file.synchronize()
        segments[current].endIndex = record.endIndex
        offset += bytes.count
        nextNumber += 1
        previous = digest
    }
}

// MARK: - Recovery

extension WriteAheadLog {
    /// What the files hold after a start.
    struct Recovered {
        var log: WriteAheadLog
        /// Every record that counts, in order; empty in a log that was never written.
        var records: [LogRecord]
    }

    /// One segment as it was found.
    private struct Scan {
        let place: Int
        var records: [(record: LogRecord, digest: Digest)] = []
        /// Where the first record that does not count would stand.
        var end = 0
        /// The greatest number of a whole record behind that place.
        var strayNumber: UInt64?
    }

    /// Reads the segments and finds the last record that is whole.
    ///
    /// A record that is not whole at the very end is what a crash leaves, and was never acknowledged. Anywhere else it is
    /// damage, and the log refuses to go on.
    static func recover(
        _ storage: any LogStorage, _ layout: LogSettings.Layout, leafHash: ([UInt8]) throws -> Digest
    ) throws -> Recovered {
        var files: [any LogFile] = []
        for number in 0..<layout.segmentCount {
            guard let file = try storage.open(fileName(number)), try file.size() == layout.segmentByteCount else {
                throw TileLogError(.damaged, "the file \(fileName(number)) is absent or has another size; restore it")
            }
            // After a failed sync the system shows what it could not write; only the disk counts.
            file.dropCached()
            files.append(file)
        }
        let scans = try files.enumerated().map { place, file in
            try scan(file, place: place, layout, leafHash: leafHash)
        }
        let ordered = scans.filter { !$0.records.isEmpty }
            .sorted { ($0.records.first?.record.segment ?? 0) < ($1.records.first?.record.segment ?? 0) }
        var log = WriteAheadLog(segments: files, layout)
        guard let last = ordered.last, let newest = last.records.last else {
            if let stray = scans.compactMap(\.strayNumber).max() { throw missing(before: stray) }
            return Recovered(log: log, records: [])
        }
        // Only the segments that follow each other up to the newest hold what is in use.
        var chain = [last]
        for scan in ordered.dropLast().reversed() {
            guard let first = chain[0].records.first?.record, let before = scan.records.first?.record,
                before.segment == first.segment - 1
            else { break }
            chain.insert(scan, at: 0)
        }
        // The oldest may have been half overwritten by the record that a crash prevented; packs have what it had.
        if chain.count > 1, chain[0].place == (last.place + 1) % files.count,
            let before = chain[0].records.last?.record, let after = chain[1].records.first?.record,
            after.number != before.number + 1
        {
            chain.removeFirst()
        }
        // Whatever else holds records must be the one that is overwritten next.
        let used = Set(chain.map(\.place) + [(last.place + 1) % files.count])
        for scan in scans where !used.contains(scan.place) {
            if let number = scan.records.last?.record.number ?? scan.strayNumber { throw missing(before: number + 1) }
        }
        let records = chain.flatMap(\.records)
        for (before, after) in zip(records, records.dropFirst()) {
            guard after.record.number == before.record.number + 1, after.record.previous == before.digest,
                after.record.firstIndex == before.record.endIndex
            else { throw missing(before: after.record.number) }
        }
        if let stray = scans.compactMap(\.strayNumber).max(), stray > newest.record.number {
            throw missing(before: stray)
        }
        for scan in chain { log.segments[scan.place].endIndex = scan.records.last?.record.endIndex ?? 0 }
        log.current = last.place
        log.offset = last.end
        log.segment = newest.record.segment
        log.nextNumber = newest.record.number + 1
        log.previous = newest.digest
        return Recovered(log: log, records: records.map(\.record))
    }

    private static func missing(before number: UInt64) -> TileLogError {
        TileLogError(
            .damaged,
            "the write-ahead log has record \(number), but a record before it is damaged; restore the directory \(directory) from a copy of the disk, or the whole log from a mirror"
        )
    }

    private static func scan(
        _ file: any LogFile, place: Int, _ layout: LogSettings.Layout, leafHash: ([UInt8]) throws -> Digest
    ) throws -> Scan {
        var scan = Scan(place: place)
        while let found = try record(in: file, at: scan.end, layout, leafHash: leafHash) {
            if let before = scan.records.last,
                found.parsed.record.segment != before.record.segment
                    || found.parsed.record.number != before.record.number + 1
            {
                break
            }
            scan.records.append(found.parsed)
            scan.end += found.byteCount
        }
        for offset in stride(from: scan.end, to: layout.segmentByteCount, by: layout.blockByteCount) {
            guard let found = try record(in: file, at: offset, layout, leafHash: leafHash) else {
                continue
            }
            scan.strayNumber = max(scan.strayNumber ?? 0, found.parsed.record.number)
        }
        return scan
    }

    private static func record(
        in file: any LogFile, at offset: Int, _ layout: LogSettings.Layout, leafHash: ([UInt8]) throws -> Digest
    ) throws -> (parsed: (record: LogRecord, digest: Digest), byteCount: Int)? {
        let block = layout.blockByteCount
        guard offset + block <= layout.segmentByteCount,
            let header = LogRecord.Header(try file.read(LogRecord.headerByteCount, at: offset)),
            offset + header.byteCount(block: block) <= layout.segmentByteCount,
            let bytes = try file.readExactly(header.byteCount(block: block), at: offset),
            let parsed = try? LogRecord.parse(bytes, block: block, leafHash: leafHash)
        else { return nil }
        return (parsed, bytes.count)
    }

    /// The bytes of one of its files that records take.
    func usedByteCount(_ name: String) throws -> Int {
        guard let place = segments.indices.first(where: { Self.fileName($0) == name }) else { return 0 }
        if place == current { return offset }
        var end = 0
        while end < segmentByteCount,
            let header = LogRecord.Header(try segments[place].file.read(LogRecord.headerByteCount, at: end))
        {
            end += header.byteCount(block: layout.blockByteCount)
        }
        return end
    }

    /// The file with a part of a record behind the newest, where that can be told: in room that was never used before.
    func tornRecord() throws -> String? {
        guard segment <= UInt64(segments.count), offset < segmentByteCount else { return nil }
        let bytes = try segments[current].file.read(layout.blockByteCount, at: offset)
        return bytes.allSatisfy { $0 == 0 } ? nil : Self.fileName(current)
    }

    /// Writes the newest record again and waits for the disk: it was read, but a crash during its commit may have left
    /// it in the system's memory alone, and what is built on it must not outlive it.
    func persistNewest(_ record: LogRecord) throws {
        let (bytes, _) = record.encode(block: layout.blockByteCount)
        let file = segments[current].file
        try file.write(bytes, at: offset - bytes.count)
        // What a crash left behind it is no sign of damage from now on.
        if try tornRecord() != nil {
            try file.write([UInt8](repeating: 0, count: segmentByteCount - offset), at: offset)
        }
        try file.synchronize()
    }
}
