internal import Bytes
internal import HTTPTypes
internal import Host
internal import Hummingbird
internal import Registry
internal import SystemPackage

/// A file that is being sent. Reads are one after the other, each on a thread for files.
private final class BlobReader: Sendable {
    let file: OpenFile

    init(_ path: FilePath) throws { file = try OpenFile(reading: path, followingLinks: false) }
}

extension RegistryFace {
    /// How much is read at once.
    private static let pieceSize = 512 << 10
    /// What stays free for indexes and manifests when blobs have filled the disk.
    static let reserve = 1 << 20

    func readBlob(_ digest: MessageDigest, in repository: String, _ request: Request) async throws -> Response {
        let isHead = request.method == .head
        let field = request.headers[.range]
        let found = try await FileThreads.run { [store] () throws -> FoundBlob? in
            guard let (path, size) = try store.usedBlob(digest, in: repository) else { return nil }
            let range = isHead ? DistributionRange.whole : DistributionRange(field, size: size)
            guard !isHead, range != .unsatisfiable else { return FoundBlob(size: size, range: range) }
            let reader = try BlobReader(path)
            let start = if case .part(let part) = range { part.lowerBound } else { 0 }
            let count = if case .part(let part) = range { part.count } else { size }
            if start > 0 { try reader.file.seek(to: start) }
            // What is small is read at once, and needs no second thread.
            let small = count <= Self.pieceSize ? ByteBuffer(bytes: try reader.file.read(count)) : nil
            return FoundBlob(size: size, range: range, small: small, reader: reader)
        }
        guard let found else { throw Refusal(.notFound, "the repository has no such blob", code: "BLOB_UNKNOWN") }
        var headers: HTTPFields = [
            .contentType: "application/octet-stream", .contentDigest: "\(digest)", .eTag: "\"\(digest)\"",
            .acceptRanges: "bytes", .cacheControl: "max-age=31536000, immutable",
        ]
        if Self.matches(request.headers[values: .ifNoneMatch], digest) {
            return Response(status: .notModified, headers: headers)
        }
        var count = found.size
        switch found.range {
        case .whole: break
        case .part(let part):
            count = part.count
            headers[.contentRange] = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(found.size)"
        case .unsatisfiable:
            throw Refusal(
                .rangeNotSatisfiable, "the blob has \(found.size) bytes", code: "SIZE_INVALID",
                headers: [.contentRange: "bytes */\(found.size)"])
        }
        headers[.contentLength] = String(count)
        let status = found.range == DistributionRange.whole ? HTTPResponse.Status.ok : .partialContent
        if isHead { return Response(status: status, headers: headers) }
        self.count(count, "out")
        if let small = found.small {
            // The file is shorter than its status said: cut off, rather than made up.
            guard small.readableBytes == count else { throw ServeError(.damaged, "the blob \(digest) was cut") }
            return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: small))
        }
        guard let reader = found.reader else { return Response(status: status, headers: headers) }
        return Response(status: status, headers: headers, body: Self.body(reader, count))
    }

    private struct FoundBlob: Sendable {
        var size: Int
        var range: DistributionRange
        var small: ByteBuffer?
        var reader: BlobReader?
    }

    private static func body(_ reader: BlobReader, _ count: Int) -> ResponseBody {
        ResponseBody(contentLength: count) { writer in
            var rest = count
            while rest > 0 {
                let size = min(rest, pieceSize)
                let piece = try await FileThreads.run { ByteBuffer(bytes: try reader.file.read(size)) }
                guard piece.readableBytes == size else {
                    throw ServeError(.damaged, "a blob was cut while it was sent")
                }
                try await writer.write(piece)
                rest -= size
            }
            try await writer.finish(nil)
        }
    }

    func deleteBlob(_ digest: MessageDigest, in repository: String) async throws -> Response {
        let isKnown = try await FileThreads.run { [store] in try store.deleteBlob(digest, in: repository) }
        guard isKnown else { throw Refusal(.notFound, "the repository has no such blob", code: "BLOB_UNKNOWN") }
        return Response(status: .accepted, headers: [.contentLength: "0"])
    }

    /// Whether an If-None-Match or If-Match field names the digest (RFC 9110 section 13.1).
    static func matches(_ fields: [String], _ digest: MessageDigest) -> Bool {
        tags(fields).contains { $0 == "*" || $0 == "\(digest)" }
    }

    /// The entity tags of such a field, without their quotes.
    static func tags(_ fields: [String]) -> [String] {
        fields.flatMap { $0.split(separator: ",") }.map { text in
            var tag = text.drop { $0 == " " }
            while tag.last == " " { tag.removeLast() }
            if tag.hasPrefix("W/") { tag = tag.dropFirst(2) }
            return tag.filter { $0 != "\"" }
        }
    }
}
