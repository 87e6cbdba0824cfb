internal import ArgumentParser
internal import Build
internal import Bytes
internal import Host
internal import Sigstore
internal import SystemPackage
internal import Wire

/// Options about whom to trust and how to reach servers, shared by the commands that verify and sign.
struct TrustArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The folder that says whom you trust. Default: $MARTLET_TRUST_DIR, else martlet/trust in $XDG_DATA_HOME.",
            valueName: "folder"))
    var trustDir: String?

    @Flag(help: "Opens no connection at all.")
    var offline = false

    @Option(
        help: ArgumentHelp(
            "A PEM file with the authorities that web servers' certificates are checked with.", valueName: "file"))
    var caFile: String?

    /// Tests, and people who ask what was true then.
    @Option(name: .customLong("at"), help: .hidden)
    var moment: String?

    func directory() throws -> TrustDirectory {
        if let trustDir { return TrustDirectory(FilePath(trustDir)) }
        return try TrustDirectory(environment: ProcessEnvironment.variables)
    }

    func now() throws -> Timestamp {
        if let moment {
            guard let time = Timestamp(moment) else { throw CommandError.usage("--at \(moment) is no moment") }
            return time
        }
        return try Self.clock()
    }

    /// What this machine's clock says.
    static func clock() throws -> Timestamp {
        let nanoseconds = Clocks.nowNanoseconds()
        guard let now = Timestamp(seconds: nanoseconds / 1_000_000_000) else {
            throw CommandError.usage("this machine's clock is beyond the year 9999")
        }
        return now
    }

    /// Runs `body` with a client that reaches servers as these options say.
    func withClient<Result>(_ body: (HTTPClient) async throws -> Result) async throws -> Result {
        var settings = WireSettings(
            userAgent: "martlet/\(MartletProgram.version)", environment: ProcessEnvironment.variables)
        settings.isOffline = offline
        if let caFile { settings.authorityFiles = [caFile] }
        let client = HTTPClient(settings)
        do {
            let result = try await body(client)
            await client.close()
            return result
        } catch {
            await client.close()
            throw error
        }
    }
}
