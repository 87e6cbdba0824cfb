internal import Build
package import Bytes
internal import Workspace

/// The build as OpenTelemetry spans in OTLP's JSON encoding (one `TracesData` message), for a collector's file
/// receiver or an HTTP upload.
///
/// Spans and attributes have Leeway's names, so that dashboards made for it go on working; what martlet knows beyond
/// is called `martlet.…`.
package struct OTLPTrace {
    private let record: BuildRecord
    private let context: ReportContext
    private var spans: [JSON] = []
    private let trace: String
    private let parent: TraceParent?

    /// The trace as a JSON value.
    ///
    /// - Parameter generator: the source of span identifiers, and of a trace identifier where `TRACEPARENT` gives none.
    package static func json(
        _ record: BuildRecord, _ context: ReportContext, using generator: inout some RandomNumberGenerator
    ) -> JSON {
        var trace = OTLPTrace(record, context, using: &generator)
        trace.addSpans(using: &generator)
        let scope: JSON = ["name": "martlet", "version": .string(context.toolVersion)]
        let service = context.environment["OTEL_SERVICE_NAME"].flatMap { $0.isEmpty ? nil : $0 } ?? "martlet"
        return [
            "resourceSpans": [
                [
                    "resource": [
                        "attributes": .array([
                            text("service.name", service), text("service.version", context.toolVersion),
                        ])
                    ],
                    "scopeSpans": [["scope": scope, "spans": .array(trace.spans)]],
                ]
            ]
        ]
    }

    /// The bytes of the file: one line, as OTLP files have it.
    package static func render(
        _ record: BuildRecord, _ context: ReportContext, using generator: inout some RandomNumberGenerator
    ) -> [UInt8] {
        json(record, context, using: &generator).bytes() + [UInt8(ascii: "\n")]
    }

    private init(
        _ record: BuildRecord, _ context: ReportContext, using generator: inout some RandomNumberGenerator
    ) {
        self.record = record
        self.context = context
        parent = context.environment["TRACEPARENT"].flatMap { TraceParent($0) }
        trace = parent?.trace ?? Self.identifier(16, using: &generator)
    }

    private mutating func addSpans(using generator: inout some RandomNumberGenerator) {
        let root = Self.identifier(8, using: &generator)
        let failures = record.packages.filter { $0.status == .failed }.map { $0.plan.name.description }
        let problem: String? =
            switch record.succeeded {
            case true?: nil
            case false? where !failures.isEmpty: "failed: \(failures.joined(separator: ", "))"
            default: "the build was ended before it was done"
            }
        addSpan(
            "leeway.build", root, parent: parent?.span, from: .zero, to: record.time, buildAttributes(),
            success: "build completed successfully", failure: problem)
        for entry in record.packages {
            guard let start = entry.start else { continue }
            let package = Self.identifier(8, using: &generator)
            addSpan(
                "leeway.package", package, parent: root, from: start, to: entry.end ?? record.time,
                packageAttributes(entry), success: "package built successfully", failure: failure(of: entry))
            for step in entry.steps {
                let attributes = [
                    Self.text("leeway.package.name", entry.plan.name.description),
                    Self.text("leeway.phase.name", step.kind.leewayPhase),
                    Self.text("martlet.step.result", step.result.word),
                ]
                addSpan(
                    "leeway.phase", Self.identifier(8, using: &generator), parent: package, from: step.start,
                    to: step.end ?? record.time, attributes, success: "phase completed successfully",
                    failure: failure(of: step))
            }
        }
    }

    private func failure(of entry: BuildRecord.Entry) -> String? {
        switch entry.status {
        case .built, .cached: nil
        case .failed: entry.reason ?? "failed"
        default: "ended before it was done"
        }
    }

    private func failure(of step: BuildRecord.Step) -> String? {
        switch step.result {
        case .built?, .cached?: nil
        case .failed(let reason)?: reason
        default: "ended before it was done"
        }
    }

    private func buildAttributes() -> [JSON] {
        let plans = record.packages.map(\.plan)
        let cached = plans.filter(\.isCached).count
        let remote = plans.filter(\.isRemote).count
        let version = context.targets.count == 1 ? record[context.targets[0]]?.plan.leewayVersion : nil
        var attributes = [
            Self.text("leeway.version", context.toolVersion),
            Self.text("leeway.workspace.root", context.workspaceRoot),
            Self.text("leeway.target.package", context.targets.map(\.description).joined(separator: ",")),
            Self.text("leeway.target.version", version ?? "unknown"),
            Self.integer("leeway.packages.total", plans.count),
            Self.integer("leeway.packages.cached", cached),
            Self.integer("leeway.packages.remote", remote),
            Self.integer("leeway.packages.downloaded", remote),
            Self.integer("leeway.packages.to_build", plans.count - cached),
        ]
        if context.environment["GITHUB_ACTIONS"] == "true" {
            for name in Self.gitHubFacts {
                guard let value = context.environment["GITHUB_\(name.uppercased())"], !value.isEmpty else { continue }
                attributes.append(Self.text("github.\(name)", value))
            }
        }
        return attributes
    }

    private static let gitHubFacts = [
        "workflow", "run_id", "run_number", "job", "actor", "repository", "ref", "head_ref", "sha", "server_url",
        "workflow_ref",
    ]

    private func packageAttributes(_ entry: BuildRecord.Entry) -> [JSON] {
        var attributes = [
            Self.text("leeway.package.name", entry.plan.name.description),
            Self.text("leeway.package.version", entry.plan.leewayVersion),
            Self.text("martlet.package.status", entry.status.rawValue),
        ]
        if let type = entry.plan.type { attributes.append(Self.text("leeway.package.type", type.rawValue)) }
        if let last = entry.lastStep {
            attributes.append(Self.text("leeway.package.last_phase", last.leewayPhase))
        }
        if let duration = entry.duration {
            let milliseconds = DurationText.nanoseconds(duration) / 1_000_000
            attributes.append(Self.integer("leeway.package.duration_ms", Int(milliseconds)))
        }
        if let artifact = entry.artifact {
            attributes.append(Self.text("martlet.package.artifact", artifact.description))
        }
        return attributes
    }

    private mutating func addSpan(
        _ name: String, _ identifier: String, parent: String?, from start: Duration, to end: Duration,
        _ attributes: [JSON], success: String, failure: String?
    ) {
        var span: JSONObject = ["traceId": .string(trace), "spanId": .string(identifier)]
        if let state = context.environment["TRACESTATE"], !state.isEmpty, self.parent != nil {
            span["traceState"] = .string(PrintableText.name(state))
        }
        if let parent { span["parentSpanId"] = .string(parent) }
        span["name"] = .string(name)
        span["kind"] = 1
        span["startTimeUnixNano"] = .string(time(start))
        span["endTimeUnixNano"] = .string(time(max(start, end)))
        span["attributes"] = .array(attributes)
        if let failure {
            let message = PrintableText.text(failure.utf8)
            let exception = [
                Self.text("exception.type", "martlet.BuildFailure"), Self.text("exception.message", message),
            ]
            span["events"] = [
                ["timeUnixNano": .string(time(end)), "name": "exception", "attributes": .array(exception)]
            ]
            span["status"] = ["code": 2, "message": .string(message)]
        } else {
            span["status"] = ["code": 1, "message": .string(success)]
        }
        spans.append(.object(span))
    }

    /// 64-bit integers are strings in the JSON form of Protocol Buffers.
    private func time(_ duration: Duration) -> String { String(context.began + DurationText.nanoseconds(duration)) }

    private static func text(_ key: String, _ value: String) -> JSON {
        ["key": .string(key), "value": ["stringValue": .string(PrintableText.text(value.utf8))]]
    }

    private static func integer(_ key: String, _ value: Int) -> JSON {
        ["key": .string(key), "value": ["intValue": .string(String(value))]]
    }

    /// Hexadecimal digits of `count` random bytes that are not all zero, which would mean "none".
    private static func identifier(_ count: Int, using generator: inout some RandomNumberGenerator) -> String {
        var bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        if bytes.allSatisfy({ $0 == 0 }) { bytes[count - 1] = 1 }
        return Hex.encode(bytes)
    }
}

extension StepKind {
    /// The phase that Leeway has for this step.
    var leewayPhase: String { self == .fetch ? "pull" : rawValue }
}
