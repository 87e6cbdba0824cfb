import Bytes
import Cache
import Host
import SystemPackage
import TestKit
import Testing

/// Processes that are killed, and processes side by side. They take seconds: a writer must have come somewhere before
/// it is killed.
@Suite struct CrashTests {
    private static let driver = ToolPath.resolve("/proc/self/exe")?.removingLastComponent().appending("CacheDriver")
    private static var hasDriver: Bool { driver.flatMap { try? Files.status($0) } != nil }

    /// Runs writers side by side and kills them after `time`.
    private func writeAndKill(_ directory: TemporaryDirectory, _ time: Duration, writers: Int = 2) async throws {
        let driver = try #require(Self.driver).string
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<writers {
                group.addTask {
                    // SIGTERM is not caught by the writer, so it is as sudden as SIGKILL.
                    let outcome = try await ChildProcess.run(
                        [driver, "write", directory["cache"].string, directory["work"].string], outputLimit: 10_000,
                        timeLimit: time)
                    #expect(outcome.status == .timedOut, "\(outcome.errorText)")
                }
            }
            try await group.waitForAll()
        }
    }

    @Test(
        "writers that are killed at any moment leave no wrong result",
        .enabled(if: hasDriver, "the helper CacheDriver is not built"))
    func killed() async throws {
        let directory = try TemporaryDirectory()
        try Files.createDirectories(directory["work"])
        for round in 0..<12 {
            try await writeAndKill(directory, .milliseconds(15 + round * 23))
            let store = try ContentStore(directory: directory["cache"])
            let actions = ActionCache(store)
            for number in 0..<50 {
                guard let result = try actions.lookup(.of("round \(number)")) else { continue }
                #expect(result.facts["round"] == "\(number)")
                for file in try store.flatten(result.tree) {
                    guard case .file(let digest, let size, _) = file.node else { continue }
                    #expect(try store.read(digest, limit: 1 << 20).count == size)
                }
                let path = try await store.checkout(result.tree)
                #expect(try Files.list(path.appending("sub")).count == 10)
            }
        }
        let store = try ContentStore(directory: directory["cache"])
        let verification = try await CacheCollector(store).verify()
        #expect(verification.damaged.isEmpty && verification.incomplete.isEmpty && verification.records > 0)
    }

    @Test(
        "a full disk gives an error and no wrong result",
        .enabled(if: hasDriver && Machine.effectiveUserID == 0, "needs root for a small file system"))
    func fullDisk() async throws {
        let directory = try TemporaryDirectory()
        let driver = try #require(Self.driver).string
        // The file system exists in a mount namespace of the shell only; what is left is copied out before it ends.
        let outcome = try await ChildProcess.run(
            [
                "unshare", "-m", "/bin/sh", "-c",
                """
                mkdir small && mount -t tmpfs -o size=600k small small || exit 77
                mkdir small/work && "\(driver)" write small/cache small/work; code=$?
                rm -rf small/work; cp -a small/cache cache; exit $code
                """,
            ], workingDirectory: directory.path, outputLimit: 100_000, timeLimit: .seconds(120))
        guard outcome.status != .exited(77), try Files.status(directory["cache"]) != nil else { return }
        #expect(!outcome.isSuccess && outcome.errorText.contains("the disk is full"), "\(outcome.errorText)")
        let verification = try await CacheCollector(ContentStore(directory: directory["cache"])).verify()
        #expect(verification.damaged.isEmpty && verification.incomplete.isEmpty, "\(verification)")
    }
}
