internal import Bytes
internal import Host
package import Logging
internal import SystemPackage

/// How a server's log is written.
package enum LogForm: String, Sendable, CaseIterable {
    /// A line for people.
    case plain
    /// A JSON object a line, for collectors.
    case json
}

/// Writes events to standard error, one line each. What clients said is escaped, so nobody forges a line.
package struct ServerLog: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    package var logLevel: Logger.Level
    private let form: LogForm
    private let write: @Sendable (String) -> Void

    /// `write` gets each line with its end.
    package init(
        _ form: LogForm, level: Logger.Level = .info,
        write: @escaping @Sendable (String) -> Void = { try? Terminal(.standardError).write($0) }
    ) {
        self.form = form
        self.logLevel = level
        self.write = write
    }

    /// A logger that writes so.
    package func logger() -> Logger { Logger(label: "martlet") { _ in self } }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        let now = Clocks.nowNanoseconds()
        let time =
            Timestamp(seconds: now / 1_000_000_000, nanoseconds: Int32(now / 1_000_000 % 1000 * 1_000_000))?.description
            ?? ""
        switch form {
        case .plain:
            var line = "\(time) \(event.level) \(event.message.description.safeForTerminal)"
            for (key, value) in all { line += " \(key)=\("\(value)".safeForTerminal)" }
            if let error = event.error { line += " error=\("\(error)".safeForTerminal)" }
            write(line + "\n")
        case .json:
            var object: JSONObject = [
                "time": .string(time), "level": .string("\(event.level)"), "message": .string("\(event.message)"),
            ]
            for (key, value) in all { object[key] = .string("\(value)") }
            if let error = event.error { object["error"] = .string("\(error)") }
            write(JSON.object(object).text() + "\n")
        }
    }
}
