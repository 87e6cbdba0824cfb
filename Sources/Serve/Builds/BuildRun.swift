internal import Attest
internal import Build
internal import Bytes
internal import Host
internal import Sigstore
internal import SystemPackage

/// One run of a build: a process of its own does the work, and this one answers it. What the process says is a line of
/// the log, a statement to sign, or the end.
struct BuildRun: Sendable {
    let record: BuildRecord
    let settings: BuildServiceSettings
    let shelf: BuildShelf
    let signer: BuildSigner
    let program: String

    /// Runs to the end; gives the digest of the saved archive.
    func run() async throws -> Digest {
        let workplace = shelf.workplace(record.id)
        let pack = shelf.pack(record.id)
        let isUpload = if case .upload = record.request.source { true } else { false }
        try await FileThreads.run {
            try Files.removeTree(workplace)
            try Files.createDirectories(workplace, mode: 0o700)
        }
        let invocation = "\(settings.builder)/\(record.id)"
        let job = BuildJob(
            request: record.request, directory: workplace, pack: isUpload ? pack : nil,
            service: .init(
                builderID: settings.builder, request: record.request.json, invocationID: invocation,
                requester: record.requester),
            searchPath: settings.path, jobs: settings.jobs, timeLimit: settings.stepSeconds,
            packLimit: settings.uploadBytes, mayFetch: settings.fetch)
        let testimony = BuildTestimony(
            request: record.request, requester: record.requester, builder: settings.builder, invocation: invocation)
        // None of the server's own variables: some hold passphrases and PINs.
        let environment = ["PATH": settings.path, "LANG": "C.UTF-8", "HOME": "/nonexistent"]
        let signed = try await ChildProcess.conversing(
            with: [program, BuildWorker.commandName], environment: environment
        ) { conversation in
            try await conversation.send(job.bytes)
            return try await converse(conversation, testimony)
        }
        let digest = try await FileThreads.run { [shelf, record] in try shelf.keepResults(record.id) }
        guard signed.contains(digest.hex) else {
            throw ServeError(.damaged, "the archive is not one that a statement of this build is about")
        }
        return digest
    }

    /// Answers the worker until it has ended well; gives the digests that signed statements are about.
    private func converse(_ conversation: Conversation, _ testimony: BuildTestimony) async throws -> Set<String> {
        var signed: Set<String> = []
        while let bytes = try await conversation.receive() {
            let message = try JSON(parsing: bytes)
            if let text = message["log"]?.stringValue {
                try await FileThreads.run { [shelf, record] in try shelf.append(text, to: record.id) }
            } else if let text = message["sign"]?.stringValue {
                let answer: JSON
                do {
                    let payload = try Base64.decode(text)
                    let statement = try testimony.check(payload)
                    let bundle = try await signer.bundle(around: statement, payload)
                    for subject in statement.subjects {
                        if let digest = subject.digest["sha256"] { signed.insert(digest) }
                    }
                    answer = ["bundle": bundle.json]
                } catch {
                    answer = ["refused": .string("\(error)")]
                }
                try await conversation.send(answer.bytes())
            } else if message["done"] != nil {
                return signed
            } else if let reason = message["failed"]?.stringValue {
                throw BuildFailure(description: reason)
            } else {
                throw ServeError(.damaged, "the worker said something that is not known")
            }
        }
        throw BuildFailure(description: "the worker ended without a result")
    }
}

/// Why a build failed, in the worker's words, for its client.
struct BuildFailure: Error, Hashable, Sendable, CustomStringConvertible {
    let description: String
}
