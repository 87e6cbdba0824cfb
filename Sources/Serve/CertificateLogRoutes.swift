internal import Authority
internal import Bytes
internal import Hummingbird
internal import Ledger
internal import Sigstore
internal import TileLog

/// The calls of a certificate log: RFC 6962 section 4, and the files of C2SP static-ct-api.
struct CertificateLogRoutes: Sendable {
    let log: CertificateLog
    let face: CertificateAuthorityFace

    private static let requestLimit = 512 << 10

    func add(to routes: Routes) {
        for (path, isPrecertificate) in [("/ct/v1/add-chain", false), ("/ct/v1/add-pre-chain", true)] {
            routes.post("\(path)") { request, _ in
                try await face.authorized {
                    let json = try await request.json(limit: Self.requestLimit)
                    let chain = json["chain"]?.arrayValue?.map { $0.stringValue.flatMap { try? Base64.decode($0) } }
                    guard let chain, chain.allSatisfy({ $0 != nil }) else {
                        throw Refusal(.badRequest, "chain should be a list of certificates in base64")
                    }
                    return Response.json(
                        try await log.add(chain: chain.compactMap(\.self), isPrecertificate: isPrecertificate))
                }
            }
        }
        routes.get("/ct/v1/get-sth") { _, _ in Response.json(try await log.treeHead().json) }
        routes.get("/ct/v1/get-roots") { _, _ in
            Response.json(["certificates": .array(log.acceptedRoots.map { .string(Base64.encode($0.der)) })])
        }
        routes.get("/ct/v1/get-sth-consistency") { request, _ in
            let (first, second) = (try number("first", request), try number("second", request))
            guard first <= second, second <= log.log.size else {
                throw Refusal(.badRequest, "the log has \(log.log.size) entries; first and second are sizes up to that")
            }
            return Response.json(["consistency": Self.list(try await log.log.consistencyProof(from: first, to: second))]
            )
        }
        routes.get("/ct/v1/get-proof-by-hash") { request, _ in
            let size = try number("tree_size", request)
            guard let text = request.uri.queryParameters.get("hash"),
                let bytes = try? Base64.decode(text.replacing(" ", with: "+")), let hash = Digest(bytes: bytes)
            else { throw Refusal(.badRequest, "hash should be a leaf's hash in base64") }
            guard let index = try await log.index(ofLeafHash: hash, size: size) else {
                throw Refusal(.notFound, "no leaf of a tree of this size has this hash")
            }
            return Response.json([
                "leaf_index": .integer(index),
                "audit_path": Self.list(try await log.log.inclusionProof(of: index, size: size)),
            ])
        }
        routes.get("/ct/v1/get-entries") { request, _ in
            try await face.authorized {
                let entries = try await log.entries(from: number("start", request), to: number("end", request))
                return Response.json(["entries": .array(try entries.map { try log.json($0) })])
            }
        }
        routes.get("/ct/v1/get-entry-and-proof") { request, _ in
            try await face.authorized {
                let (index, size) = (try number("leaf_index", request), try number("tree_size", request))
                guard index < size, size <= log.log.size,
                    let entry = try await log.entries(from: index, to: index).first
                else {
                    throw Refusal(.badRequest, "leaf_index or tree_size is beyond the log's \(log.log.size) entries")
                }
                var object = try log.json(entry).objectValue ?? JSONObject()
                object["audit_path"] = Self.list(try await log.log.inclusionProof(of: index, size: size))
                return Response.json(.object(object))
            }
        }
        addFiles(to: routes)
    }

    private func addFiles(to routes: Routes) {
        routes.get("/ct/checkpoint") { _, _ in
            Response.bytes(
                Array(log.log.checkpoint.note.utf8), type: "text/plain; charset=utf-8",
                headers: [.cacheControl: "no-cache"])
        }
        routes.get("/ct/tile/**") { _, context in
            let path = "tile/" + context.parameters.getCatchAll().joined(separator: "/")
            let bytes: [UInt8]
            do {
                switch TileResource(path: path) {
                case .tile(let tile): bytes = try await log.log.tile(tile)
                case .data(let index, let width): bytes = try await log.dataTile(index, width: width)
                default: throw Refusal(.notFound, "there is no such tile")
                }
            } catch let refusal as Refusal {
                throw refusal
            } catch {
                throw Refusal(.notFound, "there is no such tile yet")
            }
            return Response.bytes(
                bytes, type: "application/octet-stream", headers: [.cacheControl: "public, max-age=31536000, immutable"]
            )
        }
        routes.get("/ct/issuer/:fingerprint") { _, context in
            guard let hash = Digest(hex: try context.parameters.require("fingerprint")),
                let der = try await FileThreads.run({ try log.issuer(hash) })
            else { throw Refusal(.notFound, "there is no such issuer") }
            return Response.bytes(
                der, type: "application/pkix-cert", headers: [.cacheControl: "public, max-age=31536000, immutable"])
        }
    }

    private func number(_ name: String, _ request: Request) throws -> UInt64 {
        guard let number = request.uri.queryParameters.get(name).flatMap({ UInt64($0) }) else {
            throw Refusal(.badRequest, "\(name) should be a number")
        }
        return number
    }

    private static func list(_ hashes: [Digest]) -> JSON { .array(hashes.map { .string(Base64.encode($0.bytes)) }) }
}
