internal import Host
package import Logging
internal import Synchronization
package import SystemPackage

/// What the faces of one server share: data directory, address, logs and metrics.
package final class Site: Sendable {
    /// The server's data directory. It is locked while the server lives.
    package let data: FilePath
    /// Where clients reach the server, without a slash at the end: the settings' `url`, else the bound address.
    package let url: String
    /// Whether this machine alone reaches the server.
    package let isLocal: Bool
    package let logger: Logger
    package let metrics: Metrics

    /// The faces made so far, in the order of kinds. The lock guards the list only.
    private let made = Mutex<[any Face]>([])

    package init(data: FilePath, url: String, isLocal: Bool, logger: Logger, metrics: Metrics) {
        self.data = data
        self.url = url
        self.isLocal = isLocal
        self.logger = logger
        self.metrics = metrics
    }

    /// The faces made before, so that one can use another.
    package var faces: [any Face] { made.withLock { $0 } }

    /// The face of this type, where the server has it.
    package func face<Kind: Face>(_ type: Kind.Type) -> Kind? {
        for face in faces { if let face = face as? Kind { return face } }
        return nil
    }

    /// The directory of the face called `name`, made where it is missing, for the owner alone.
    package func directory(_ name: String) throws -> FilePath {
        let path = data.appending(name)
        try Files.createDirectories(path, mode: 0o700)
        return path
    }

    /// The logger of the face called `name`.
    package func logger(_ name: String) -> Logger {
        var logger = logger
        logger[metadataKey: "face"] = .string(name)
        return logger
    }

    func add(_ face: any Face) { made.withLock { $0.append(face) } }
}

extension Site {
    /// What people see when the server is there: where everything is, and what to type next.
    package var notice: String {
        let notices = faces.flatMap(\.notices)
        let width = notices.map(\.title.count).max() ?? 0
        var out = "martlet serves at \(url) from \(data)\n"
        for notice in notices {
            let padding = String(repeating: " ", count: width - notice.title.count)
            out += "  \(notice.title)\(padding)  \(notice.address)\n"
        }
        let commands = notices.map(\.command).filter { !$0.isEmpty }
        if !commands.isEmpty {
            out += "Next, in another shell:\n" + commands.map { "  \($0)\n" }.joined()
        }
        return out
    }
}
