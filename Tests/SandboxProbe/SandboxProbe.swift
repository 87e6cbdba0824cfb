import Bytes
import Host
import Sandbox
import SystemPackage

/// Runs the request that stands in a JSON file and prints the outcome as JSON: lets the tests run a step as another
/// user of the host than their own.
@main
struct SandboxProbe {
    static func main() async throws {
        let words = CommandLine.arguments
        guard words.count == 3 || words.count == 4 else {
            print("usage: sandbox-probe SCRATCH REQUEST [REPETITIONS]")
            return
        }
        let json = try JSON(parsing: Files.read(FilePath(words[2]), limit: 1 << 20))
        let level = SandboxLevel(rawValue: json["level"]?.stringValue ?? "full") ?? .full
        let sandbox = try Sandbox(level: level, scratch: FilePath(words[1]))
        if words.count == 4 {
            print(try await median(of: Int(words[3]) ?? 1) { _ = try await sandbox.run(request(json)) })
            return
        }
        let outcome = try await sandbox.run(request(json))
        print(report(outcome).text())
    }

    /// The median and the least duration of a run.
    private static func median(of count: Int, _ run: () async throws -> Void) async throws -> String {
        try await run()
        var durations: [Duration] = []
        for _ in 0..<max(1, count) {
            let start = ContinuousClock.now
            try await run()
            durations.append(ContinuousClock.now - start)
        }
        durations.sort()
        return "median \(durations[durations.count / 2]) least \(durations[0])"
    }

    private static func request(_ json: JSON) -> SandboxRequest {
        func strings(_ key: String) -> [String] { (json[key]?.arrayValue ?? []).compactMap(\.stringValue) }
        var request = SandboxRequest(command: strings("command"), environment: ["PATH": "/usr/bin:/bin"])
        request.mounts = (json["mounts"]?.arrayValue ?? []).compactMap { mount in
            let words = (mount.arrayValue ?? []).compactMap(\.stringValue)
            return switch words.first {
            case "readOnly": .readOnly(FilePath(words[1]), at: words[2])
            case "overlay":
                .overlay(
                    lower: FilePath(words[1]), upper: FilePath(words[2]), work: FilePath(words[3]), at: words[4])
            default: nil
            }
        }
        if let bytes = json["memory"]?.intValue { request.limits.memory = bytes }
        if let count = json["processes"]?.intValue { request.limits.processes = count }
        if let bytes = json["fileSize"]?.intValue { request.limits.fileSize = bytes }
        if let bytes = json["output"]?.intValue { request.limits.output = bytes }
        if let milliseconds = json["milliseconds"]?.intValue { request.limits.time = .milliseconds(milliseconds) }
        request.traceInputs = json["trace"]?.boolValue ?? false
        return request
    }

    private static func report(_ outcome: SandboxOutcome) -> JSON {
        let end =
            switch outcome.end {
            case .exited(let status): "exited \(status)"
            case .signalled(let signal): "signalled \(signal)"
            case .limit(let name): "limit \(name)"
            }
        return [
            "end": .string(end),
            "violations": .array(outcome.violations.map { .string($0.name) }),
            "missing": .array(outcome.tracedFiles.filter { !$0.found }.map { .string($0.path) }),
            "found": .array(outcome.tracedFiles.filter(\.found).map { .string($0.path) }),
            "output": .string(String(decoding: outcome.output.prefix(4096), as: UTF8.self)),
        ]
    }
}
