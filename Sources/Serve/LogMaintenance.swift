internal import Host
internal import Keys
internal import Ledger
package import SystemPackage
package import TileLog

/// What is done to the log of a server's data directory while the server is down.
package enum LogMaintenance {
    /// Checks every byte of the log, its checkpoint's signatures included. `.busy` while the server runs.
    package static func check(data: FilePath) async throws -> LogCheckReport {
        let directory = data.appending("log")
        let keys = try await FileThreads.run { () throws -> [NoteKey] in
            guard try Files.exists(directory.appending("name")) else {
                throw ServeError(.configuration, "there is no log in \(data); --data names a server's data directory")
            }
            let name = try ServiceKeys.name(in: directory, setting: nil, default: "")
            return try ["checkpoint", "promise"].map {
                let path = directory.appending("\($0).key")
                let text = Secret(try Files.read(path, limit: PrivateKeyText.greatestByteCount))
                return .log(name: name, key: try PrivateKeyText(text).open().publicKey)
            }
        }
        let lock = try DataDirectory(data)
        defer { withExtendedLifetime(lock) {} }
        return try await TransparencyLog.check(directory.appending("tree"), keys: keys)
    }
}
