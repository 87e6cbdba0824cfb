internal import Bytes
internal import HTTPTypes
internal import Hummingbird
internal import Ledger
internal import Logging
internal import SystemPackage
package import TileLog

/// A witness over HTTP (C2SP tlog-witness): it says of other people's logs that they only grow.
package struct WitnessFace: Face {
    package let name = "witness"
    let store: WitnessStore
    private let site: Site

    package init(_ store: WitnessStore, site: Site) {
        self.store = store
        self.site = site
    }

    package var notices: [FaceNotice] {
        let keys = store.witness.keys.compactMap(\.noteKey.verifierKey).joined(separator: " ")
        return [FaceNotice("witness \(keys)", at: "\(site.url)/witness")]
    }

    package func addRoutes(to routes: Routes) {
        routes.post("/witness/add-checkpoint") { request, _ in
            let body = try await request.bytes(limit: WitnessRequest.greatestByteCount)
            return await answer("add-checkpoint") {
                let parsed = try Self.parsing { () throws(LedgerError) in
                    try WitnessRequest.AddCheckpoint(parsing: body)
                }
                return try await store.add(parsed)
            }
        }
        routes.get("/witness/:origin/checkpoint") { _, context in
            guard let hash = Digest(hex: try context.parameters.require("origin")), let note = await store.latest(hash)
            else {
                throw Refusal(.notFound, "this witness has cosigned no checkpoint of such a log")
            }
            var response = Response.text(note.description)
            response.headers[.cacheControl] = "max-age=5"
            return response
        }
    }

    private static func parsing<Value>(_ read: () throws(LedgerError) -> Value) throws(Witness.Refusal) -> Value {
        do {
            return try read()
        } catch {
            throw Witness.Refusal(error)
        }
    }

    private func answer(_ call: String, _ body: () async throws -> String) async -> Response {
        var response: Response
        do {
            response = .text(try await body())
        } catch let refusal as Witness.Refusal {
            if case .conflict(let size) = refusal.reason {
                response = .bytes(Array("\(size)\n".utf8), type: "text/x.tlog.size", status: .conflict)
            } else {
                response = .text(refusal.message + "\n", status: .init(code: refusal.status))
            }
            if !refusal.evidence.isEmpty {
                site.logger(name).warning(
                    "a log has signed two trees of one size",
                    metadata: ["evidence": .string(store.evidenceDirectory.string)])
            }
        } catch {
            site.logger(name).error("a witness can't keep its word", metadata: ["cause": .string("\(error)")])
            response = Refusal.unavailable("the witness can't keep a checkpoint right now").response()
        }
        site.metrics.add(
            "martlet_witness_requests_total", labels: [("call", call), ("status", String(response.status.code))],
            help: "Requests to the witness.")
        return response
    }
}
