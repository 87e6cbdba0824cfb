import Host
import SystemPackage
import Testing
import Workspace

@testable import RemoteCache

@Suite("Which remote cache a command uses")
struct RemoteCacheChoiceTests {
    private func choice(
        _ environment: [String: String] = [:], _ options: RemoteCacheChoice.Options = .init(), url: String = ""
    ) throws -> RemoteCacheChoice {
        var settings = WorkspaceSettings()
        settings.remoteCache.url = url
        settings.remoteCache.policy = url.isEmpty ? "" : "policy.yaml"
        return try RemoteCacheChoice(
            options, environment: environment, workspace: settings, root: "/repo", directory: "/repo/a")
    }

    @Test("without a remote cache every level is the local one, and with one the usual level is remote")
    func levels() throws {
        #expect(try choice().level == .local)
        for level in RemoteCacheChoice.Level.allCases {
            let expected: RemoteCacheChoice.Level = level == .none ? .none : .local
            #expect(try choice(["LEEWAY_DEFAULT_CACHE_LEVEL": level.rawValue]).level == expected)
        }
        #expect(try choice(url: "cache").level == .remote)
        #expect(try choice(["LEEWAY_DEFAULT_CACHE_LEVEL": "local"], url: "cache").level == .local)
        var options = RemoteCacheChoice.Options()
        options.level = .remotePull
        #expect(try choice(["LEEWAY_DEFAULT_CACHE_LEVEL": "local"], options, url: "cache").level == .remotePull)
        #expect(throws: RemoteCacheError.self) { try choice(["LEEWAY_DEFAULT_CACHE_LEVEL": "all"]) }
    }

    @Test("Leeway's cache is read when place and policy are named, and not by a level that reads nothing")
    func leeway() throws {
        #expect(try choice().leeway == nil)
        #expect(throws: RemoteCacheError.self) { try choice(["MARTLET_LEEWAY_CACHE": "/share"]) }
        #expect(throws: RemoteCacheError.self) { try choice(["MARTLET_LEEWAY_POLICY": "p.yaml"]) }
        #expect(throws: RemoteCacheError.self) {
            try choice(["MARTLET_LEEWAY_CACHE": "ftp://x", "MARTLET_LEEWAY_POLICY": "p.yaml"])
        }
        let both = ["MARTLET_LEEWAY_CACHE": "/share", "MARTLET_LEEWAY_POLICY": "p.yaml"]
        #expect(try choice(both).leeway?.policy == "/repo/a/p.yaml")
        #expect(try choice(both).level == .local)
        for level in ["none", "local", "remote-push"] {
            #expect(try choice(both.merging(["LEEWAY_DEFAULT_CACHE_LEVEL": level]) { $1 }).leeway == nil)
        }
        // Leeway's own variables say where, and never whom to believe.
        let bucket = ["LEEWAY_REMOTE_CACHE_BUCKET": "bucket", "LEEWAY_REMOTE_CACHE_STORAGE": "AWS"]
        #expect(try choice(bucket).leeway == nil)
        let read = try choice(bucket.merging(["MARTLET_LEEWAY_POLICY": "p.yaml"]) { $1 })
        #expect(read.leeway != nil)
        #expect(read.level == .local)
    }

    @Test("a cache without a policy is an error, and with Leeway's variables a warning")
    func policies() throws {
        #expect(throws: RemoteCacheError.self) { try choice(["MARTLET_REMOTE_CACHE": "/share"]) }
        #expect(
            try choice(["MARTLET_REMOTE_CACHE": "/share", "MARTLET_CACHE_POLICY": "main=a.yaml,pr/17=b.yaml"]).level
                == .remote)
        let leeway = ["LEEWAY_REMOTE_CACHE_BUCKET": "bucket", "LEEWAY_REMOTE_CACHE_STORAGE": "AWS"]
        let warned = try choice(leeway)
        #expect(warned.level == .local)
        #expect(warned.warning?.contains("LEEWAY_REMOTE_CACHE_BUCKET") == true)
        #expect(try choice(leeway.merging(["MARTLET_CACHE_POLICY": "p"]) { $1 }).level == .remote)
        #expect(throws: RemoteCacheError.self) {
            try choice(["LEEWAY_REMOTE_CACHE_BUCKET": "bucket", "LEEWAY_REMOTE_CACHE_STORAGE": "Azure"])
        }
        // Who gives away only believes nobody.
        var options = RemoteCacheChoice.Options()
        options.level = .remotePush
        #expect(try choice(["MARTLET_REMOTE_CACHE": "/share"], options).level == .remotePush)
    }
}
