internal import Bytes
internal import Wire

/// The logs and timestamp authorities that a signing configuration chooses.
struct SigningServices: Sendable {
    let config: SigningConfig
    let transport: any HTTPTransport

    /// The versions of each service's interface that are spoken here.
    private static let logVersions: Set<Int> = [1, 2]
    private static let timestampVersions: Set<Int> = [1]

    /// Throws where a later call would find no service: before anything is asked for that others record.
    func check(at now: Timestamp) throws(SigstoreError) {
        _ = try config.logs(at: now, versions: Self.logVersions)
        _ = try config.timestampAuthorities(at: now, versions: Self.timestampVersions)
    }

    /// Timestamps over `signature`. They come before the log, so that what is recorded existed at a time that somebody
    /// else told.
    func timestamps(for signature: [UInt8], at now: Timestamp) async throws(SigstoreError) -> [[UInt8]] {
        var out: [[UInt8]] = []
        for service in try config.timestampAuthorities(at: now, versions: Self.timestampVersions) {
            out.append(try await TimestampClient(url: service.url, transport: transport).timestamp(for: signature))
        }
        return out
    }

    /// Entries of the logs.
    func entries(for submission: LogClient.Submission, at now: Timestamp) async throws(SigstoreError) -> [LogEntry] {
        var out: [LogEntry] = []
        for service in try config.logs(at: now, versions: Self.logVersions) {
            out.append(
                try await LogClient(url: service.url, majorVersion: service.majorAPIVersion, transport: transport)
                    .append(submission))
        }
        return out
    }
}
