import Bytes
import Glibc
import Host
import Keys
import Ledger
import SystemPackage

/// Load on a server's log over HTTP. Whatever it acknowledges is looked for afterwards: every entry at its place, under
/// the roots of every checkpoint that was seen.
struct Load {
    let client: LoadClient
    /// The server's process on this machine, whose processor time and memory are measured; 0 for none.
    let process: Int

    /// What was promised.
    private struct Promises {
        /// The entries by index.
        var leaves: [UInt64: [UInt8]] = [:]
        var roots: [UInt64: Digest] = [:]
        var refused = 0
        var wrong: [String] = []

        mutating func add(_ index: UInt64, _ leaf: [UInt8]) {
            if let known = leaves.updateValue(leaf, forKey: index), known != leaf {
                wrong.append("two entries were acknowledged at \(index)")
            }
        }
    }

    init(port: UInt16, process: Int) {
        client = LoadClient(port: port)
        self.process = process
    }

    /// One kind of load; `false` when anything was wrong.
    func run(_ kind: String, connections: Int, count: Int) throws -> Bool {
        let start = UInt64(Clocks.nowNanoseconds())
        var promises = Promises()
        switch kind {
        case "add": try add(connections, count, start, &promises)
        case "batch": try batch(connections, count, start, &promises)
        case "create": try create(connections, count, &promises)
        case "retries": try retries(connections, count, &promises)
        case "tiles": try tiles(connections, count)
        default:
            print("there is no load \(kind)")
            return false
        }
        return try kind == "tiles" || audit(&promises)
    }

    // MARK: Kinds

    /// One entry of 400 bytes in each request.
    private func add(_ connections: Int, _ count: Int, _ start: UInt64, _ promises: inout Promises) throws {
        try measured("\(connections) clients, 400-byte adds", connections, count, entries: 1) { number in
            LoadClient.post("/log/add", Measurement.leaf(start &+ UInt64(number)))
        } answered: { number, answer in
            if answer.status == 200, let index = UInt64(String(decoding: answer.body, as: UTF8.self)) {
                promises.add(index, Measurement.leaf(start &+ UInt64(number)))
            } else {
                promises.refused += 1
            }
        }
    }

    /// 2,000 such entries in each request.
    private func batch(_ connections: Int, _ count: Int, _ start: UInt64, _ promises: inout Promises) throws {
        let size = 2000
        func leaves(_ number: Int) -> [[UInt8]] {
            (0..<size).map { Measurement.leaf(start &+ UInt64(number * size + $0)) }
        }
        // Made before: a client has its entries.
        let requests = (0..<(count / size)).map { LoadClient.post("/log/add-entries", EntryBundle.encode(leaves($0))) }
        var answers: [[UInt8]] = Array(repeating: [], count: requests.count)
        try measured("\(connections) clients, \(size) entries a request", connections, requests.count, entries: size) {
            requests[$0]
        } answered: { number, answer in
            if answer.status == 200 { answers[number] = answer.body } else { promises.refused += 1 }
        }
        for (number, answer) in answers.enumerated() where !answer.isEmpty {
            let text = String(decoding: answer, as: UTF8.self)
            guard let end = text.firstRange(of: "\n\n") else {
                throw LoadClient.Failure("an answer without a checkpoint")
            }
            let indexes = text[..<end.lowerBound].split(separator: "\n").compactMap { UInt64($0) }
            guard indexes.count == size else { throw LoadClient.Failure("an answer with \(indexes.count) places") }
            for (index, leaf) in zip(indexes, leaves(number)) { promises.add(index, leaf) }
            let checkpoint = try Checkpoint(parsing: Note(parsing: String(text[end.upperBound...])).text)
            promises.roots[checkpoint.size] = checkpoint.root
        }
    }

    /// Rekor v2: a signature is checked, and a proof is given, for each.
    private func create(_ connections: Int, _ count: Int, _ promises: inout Promises) throws {
        let key = try PrivateKey.generate(.ecdsaP256)
        let der = Base64.encode(key.publicKey.der)
        let run = Clocks.nowNanoseconds()
        let requests = try (0..<count).map { number in
            let digest = MessageDigest(Digest.of("\(run) \(number)"))
            let signature = Base64.encode(try key.signature(of: .digest(digest)))
            let request =
                #"{"hashedRekordRequestV002":{"digest":"\#(Base64.encode(digest.bytes))","signature":{"content":"\#(signature)","verifier":{"publicKey":{"rawBytes":"\#(der)"},"keyDetails":"PKIX_ECDSA_P256_SHA_256"}}}}"#
            return LoadClient.post("/api/v2/log/entries", Array(request.utf8))
        }
        var answers: [[UInt8]] = []
        try measured("\(connections) clients, Rekor v2 create", connections, count, entries: 1) {
            requests[$0]
        } answered: { _, answer in
            if answer.status == 201 { answers.append(answer.body) } else { promises.refused += 1 }
        }
        for answer in answers {
            let json = try JSON(parsing: answer)
            let proof = json["inclusionProof"]
            guard let body = try json["canonicalizedBody"]?.stringValue.map({ try Base64.decode($0) }),
                let index = (json["logIndex"]?.stringValue).flatMap({ UInt64($0) }),
                let note = proof?["checkpoint"]?["envelope"]?.stringValue,
                let hashes = try proof?["hashes"]?.arrayValue?.map({
                    Digest(bytes: try Base64.decode($0.stringValue ?? ""))
                })
            else { throw LoadClient.Failure("an answer without a proof") }
            let checkpoint = try Checkpoint(parsing: Note(parsing: note).text)
            try MerkleProof.verifyInclusion(
                of: MerkleTree.leafHash(body), at: index, inTreeOf: checkpoint.size, root: checkpoint.root,
                path: hashes.compactMap { $0 })
            promises.add(index, body)
            promises.roots[checkpoint.size] = checkpoint.root
        }
    }

    /// Racing requests for the same 1,000 entries, again and again: a run after a restart gets the same places.
    private func retries(_ connections: Int, _ count: Int, _ promises: inout Promises) throws {
        try measured("\(connections) clients, the same 1,000 entries", connections, count, entries: 1) { number in
            LoadClient.post("/log/add", Measurement.leaf(UInt64(number / connections % 1000)))
        } answered: { number, answer in
            if answer.status == 200, let index = UInt64(String(decoding: answer.body, as: UTF8.self)) {
                promises.add(index, Measurement.leaf(UInt64(number / connections % 1000)))
            } else {
                promises.refused += 1
            }
        }
        let different = Set(promises.leaves.values).count
        print(
            "\(promises.leaves.count) places of \(different) entries: \(promises.leaves.count - different) duplicates")
        if promises.leaves.count != different { promises.wrong.append("an entry has two places") }
    }

    /// Full tiles that were read before.
    private func tiles(_ connections: Int, _ count: Int) throws {
        let bundles = max(1, min(64, try checkpoint().size / 256))
        let paths = (0..<bundles).map { "/log/" + TileResource.tile(TileCoordinate(level: 0, index: $0)).path }
        for path in paths { _ = try client.ask(LoadClient.get(path)) }
        let requests = paths.map { LoadClient.get($0) }
        try measured("\(connections) clients, tiles", connections, count, entries: 1) {
            requests[$0 % requests.count]
        } answered: { _, answer in
            guard answer.status == 200, answer.body.count == 8192 else {
                throw LoadClient.Failure("a tile is not there")
            }
        }
    }

    // MARK: Figures

    private func measured(
        _ what: String, _ connections: Int, _ count: Int, entries: Int, request: (Int) -> [UInt8],
        answered: (Int, LoadClient.Answer) throws -> Void
    ) throws {
        var times: [Int64] = []
        times.reserveCapacity(count)
        let (start, processor) = (Clocks.monotonicNanoseconds(), try processorMilliseconds())
        let own = Clocks.processorNanoseconds()
        try client.run(connections: connections, count: count, request: request) { number, answer in
            times.append(answer.nanoseconds)
            try answered(number, answer)
        }
        let wall = max(1, Clocks.monotonicNanoseconds() - start)
        let (used, client) = (try processorMilliseconds() - processor, Clocks.processorNanoseconds() - own)
        let total = count * entries
        print(
            "\(what): \(total * 1_000_000_000 / Int(wall)) entries/s, p50 \(Measurement.milliseconds(Measurement.percentile(times, 0.5))), p99 \(Measurement.milliseconds(Measurement.percentile(times, 0.99))), \(used * 1_000_000 / total) ns of the server's and \(Int(client) / total) ns of the client's processor an entry, server RSS \(try memory()) KiB"
        )
    }

    private func processorMilliseconds() throws -> Int {
        guard process > 0 else { return 0 }
        let text = try Files.readText(FilePath("/proc/\(process)/stat"), limit: 1 << 16)
        let words = text.split(separator: ")").last?.split(separator: " ") ?? []
        // utime and stime are fields 14 and 15; the name in brackets is field 2. Ticks are hundredths of a second.
        guard words.count > 12, let user = Int(words[11]), let system = Int(words[12]) else { return 0 }
        return (user + system) * 10
    }

    private func memory() throws -> Int {
        process > 0 ? try Measurement.memory(of: "\(process)") : 0
    }

    // MARK: Audit

    private func checkpoint() throws -> Checkpoint {
        let answer = try client.ask(LoadClient.get("/log/checkpoint"))
        return try Checkpoint(parsing: Note(parsing: String(decoding: answer.body, as: UTF8.self)).text)
    }

    /// Reads the whole log, and compares it with what was promised; `false` when anything is wrong.
    private func audit(_ promises: inout Promises) throws -> Bool {
        let last = try checkpoint()
        promises.roots[last.size] = last.root
        var edge = TreeEdge()
        var (found, checked) = (0, 0)
        let bundles = Int((last.size + 255) / 256)
        var waiting: [Int: [UInt8]] = [:]
        var next = 0
        func width(_ bundle: Int) -> Int { min(256, Int(last.size) - bundle * 256) }
        try client.run(connections: 4, count: bundles) {
            LoadClient.get("/log/" + TileResource.entries(index: UInt64($0), width: width($0)).path)
        } answered: { bundle, answer in
            waiting[bundle] = answer.body
            while let bytes = waiting.removeValue(forKey: next) {
                for entry in try EntryBundle.parse(bytes, count: width(next)) {
                    if let leaf = promises.leaves[edge.size] {
                        if leaf == entry { found += 1 } else { promises.wrong.append("entry \(edge.size) is another") }
                    }
                    _ = edge.append(MerkleTree.leafHash(entry))
                    guard let root = promises.roots[edge.size] else { continue }
                    checked += 1
                    if try edge.tree().root() != root { promises.wrong.append("a fork at \(edge.size)") }
                }
                next += 1
            }
        }
        let missing = promises.leaves.count - found
        for wrong in promises.wrong.prefix(5) { print("WRONG: \(wrong)") }
        print(
            "audited \(promises.leaves.count) acknowledged entries of \(last.size) and \(checked) checkpoints: \(missing) missing, \(promises.wrong.count) wrong, \(promises.refused) refused"
        )
        return missing == 0 && promises.wrong.isEmpty && checked == promises.roots.count
    }
}
