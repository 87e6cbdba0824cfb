internal import Bytes
internal import Host
internal import LoopbackServer
internal import Sigstore
internal import Synchronization
internal import SystemPackage
internal import VirtualSigstore

/// Serves a virtual Sigstore on this machine until it is killed, for programs of others:
///
///     virtual-sigstore VERSION FOLDER [FAULT...]
///
/// VERSION is that of the log, 1 or 2. Writes trusted_root.json, signing_config.json, trust_config.json and token into
/// FOLDER, and then the file `ready`.
@main
struct VirtualSigstoreServer {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3, let version = Int(arguments[1]) else {
            print("usage: virtual-sigstore VERSION FOLDER [FAULT...]")
            return
        }
        let faults = arguments.dropFirst(3).compactMap { VirtualSigstore.Fault(rawValue: $0) }
        let folder = FilePath(arguments[2])
        // The address is known when the server listens, and only then can there be services at it.
        let holder = Holder()
        let server = try await LoopbackServer { request in
            guard let sigstore = holder.sigstore.withLock({ $0 }) else { return nil }
            let answer = sigstore.answer(
                request.method, request.target, authorization: request["Authorization"], request.body)
            if answer.status >= 400 {
                let reason = String(decoding: answer.body, as: UTF8.self)
                try? Terminal(.standardError).write("\(request.method) \(request.target): \(reason)\n")
            }
            return .init(answer.status, bytes: answer.body, fields: [("Content-Type", answer.type)])
        }
        let sigstore = try VirtualSigstore(
            base: "http://127.0.0.1:\(server.port)", majorLogVersion: version, faults: Set(faults)
        ) { now() }
        holder.sigstore.withLock { $0 = sigstore }
        let root = try sigstore.trustedRoot()
        let config = sigstore.signingConfig()
        guard let expires = Timestamp(seconds: now().seconds + 3600) else { return }
        let files = [
            ("trusted_root.json", root.json.text()), ("signing_config.json", config.json.text()),
            ("trust_config.json", ClientTrustConfig(trustedRoot: root, signingConfig: config).json.text()),
            ("token", TestToken.make("someone@example.org", expires: expires)), ("ready", ""),
        ]
        for (name, text) in files { try Files.write(Array(text.utf8), to: folder.appending(name)) }
        try await server.serve()
    }

    private static func now() -> Timestamp {
        guard let now = Timestamp(seconds: Clocks.nowNanoseconds() / 1_000_000_000) else {
            preconditionFailure("the clock is beyond the year 9999")
        }
        return now
    }

    private final class Holder: Sendable {
        /// Guards the services until they are there.
        let sigstore = Mutex<VirtualSigstore?>(nil)
    }
}
