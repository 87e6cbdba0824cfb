package import Build
package import Host
package import SystemPackage
package import Workspace

/// Which reports of a build are asked for, beside what is shown while it runs.
package struct ReportChoice: Sendable {
    package var trace: FilePath?
    package var otlp: FilePath?
    package var junit: FilePath?
    package var html: FilePath?
    /// The file that `GITHUB_OUTPUT` names.
    package var gitHubOutput: FilePath?
    /// Shows nothing while the build runs.
    package var isQuiet = false
    /// Takes a JSON document about the build when it has ended.
    package var summary: (@Sendable (String) throws -> Void)?

    package init() {}
}

/// Builds packages of a project and reports on it.
package struct BuildSession: Sendable {
    let project: Project
    private let choice: ReportChoice
    private let screen: Terminal

    /// - Parameter screen: where the build is shown.
    package init(project: Project, reports: ReportChoice, screen: Terminal = Terminal(.standardError)) {
        self.project = project
        choice = reports
        self.screen = screen
    }

    /// Builds `targets` and everything that they need.
    package func build(_ targets: [PackageName], _ options: BuildOptions) async throws -> Builder.Outcome {
        let builder = try await project.builder(options, for: targets)
        if let unchanged = try await builder.unchangedPlan(targets) { return try await build(unchanged, with: builder) }
        return try await build(try await builder.plan(targets), with: builder)
    }

    /// Works out what a build of `targets` would do.
    package func plan(_ targets: [PackageName], _ options: BuildOptions) async throws -> PlanReport {
        PlanReport(try await project.builder(options, for: targets).plan(targets), of: project)
    }

    private func build(_ plan: Builder.Plan, with builder: Builder) async throws -> Builder.Outcome {
        let context = ReportContext(
            targets: plan.targets, workspaceRoot: project.workspace.root.string, toolVersion: MartletProgram.version,
            began: Clocks.nowNanoseconds(), environment: project.options.environment)
        let reports = BuildReports(self.reports(context))
        if let weakness = project.cache.weakness {
            reports.receive(BuildEvent(.warning(nil, "steps are not kept apart: \(weakness)"), time: .zero))
        } else if plan.isUnsandboxed {
            reports.receive(
                BuildEvent(.warning(nil, "the sandbox is off; results are marked so and never shared"), time: .zero))
        }
        let outcome: Builder.Outcome
        do {
            outcome = try await reports.refreshing(from: .now) {
                try await builder.build(plan) { reports.receive($0) }
            }
        } catch {
            _ = reports.finish()
            throw error
        }
        for failure in reports.finish() { screen.say("a report could not be written: \(failure)") }
        // Neither is worth failing a build that is done.
        try? project.cache.save()
        try? await project.remember(outcome)
        do {
            try await project.keepCacheSize(after: outcome)
        } catch let error where !(error is CancellationError) {
            screen.say("the cache could not be collected: \(error)")
        }
        return outcome
    }

    private func reports(_ context: ReportContext) -> [any BuildReport] {
        var reports: [any BuildReport] = []
        if !choice.isQuiet { reports.append(ConsoleReport.report(on: screen, environment: context.environment)) }
        if let path = choice.trace { reports.append(FileReport.chromeTrace(path, context)) }
        if let path = choice.otlp { reports.append(FileReport.otlp(path, context)) }
        if let path = choice.junit { reports.append(FileReport.junit(path)) }
        if let path = choice.html { reports.append(FileReport.html(path, context)) }
        if let write = choice.summary { reports.append(SummaryReport(write: write)) }
        if let path = choice.gitHubOutput { reports.append(FileReport.gitHubOutput(path)) }
        return reports
    }
}

extension Terminal {
    /// Writes a line for people; a closed stream is nobody's loss.
    package func say(_ text: String) { try? write(text + "\n") }
}
