import Bytes
import Host
import Keys
import Ledger
import SystemPackage
import TestKit
import Testing
import TileLog

/// Logs whose process is killed while clients add to them. `scripts/torture-log` does it as often as one likes.
@Suite struct KillTests {
    private static let driver = ToolPath.resolve("/proc/self/exe")?.removingLastComponent().appending("LogDriver")
    private static var hasDriver: Bool { driver.flatMap { try? Files.status($0) } != nil }

    @Test(
        "a log that is killed keeps every entry that it acknowledged, under the roots that it signed",
        .enabled(if: hasDriver, "the helper LogDriver is not built"))
    func killed() async throws {
        let directory = try TemporaryDirectory()
        let driver = try #require(Self.driver).string
        var acknowledged: [[Substring]] = []
        for round in 0..<4 {
            // SIGTERM is not caught by the driver, so it is as sudden as SIGKILL.
            let outcome = try await ChildProcess.run(
                [driver, "add", directory.path.string], outputLimit: 64 << 20,
                timeLimit: .milliseconds(150 + round * 170))
            #expect(outcome.status == .timedOut, "\(outcome.errorText)")
            let text = String(decoding: outcome.output, as: UTF8.self)
            let whole = text.lastIndex(of: "\n").map { text[..<$0] } ?? ""
            acknowledged += whole.split(separator: "\n").map { $0.split(separator: " ") }
            guard try Files.exists(directory["key"]) else { continue }
            let key = try PrivateKey(pkcs8: Files.read(directory["key"], limit: 1 << 16))
            let log = try await TransparencyLog.open(
                directory["log"], origin: "driver.example/log",
                signers: [.log(name: "driver.example/log", signer: PrivateKeySigner(key))])
            var roots: Set<String> = []
            for line in acknowledged {
                let (index, size) = (try #require(UInt64(line[0])), try #require(UInt64(line[2])))
                let stored = try await log.entry(at: index)
                #expect(stored.bytes == Array(line[1].utf8))
                if roots.insert("\(size)").inserted { #expect(try await log.root(size: size).hex == line[3]) }
            }
            await log.close()
            #expect(try await TransparencyLog.check(directory["log"]).findings == [])
        }
    }
}
