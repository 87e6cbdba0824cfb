package import Build
package import Bytes
package import Workspace

/// What the events of a build amount to: the one source of all reports.
///
/// It keeps the end of what each step printed, within a limit for the whole build.
package struct BuildRecord: Sendable {
    /// One step of one package.
    package struct Step: Sendable {
        package var kind: StepKind
        /// Since the build began.
        package var start: Duration
        /// `nil` while it runs, and for ever if the build was ended under it.
        package var end: Duration?
        package var result: StepResult?
        package var output = OutputTail()
    }

    /// One package of the build.
    package struct Entry: Sendable {
        package var plan: PlannedPackage
        package var status: Status
        package var start: Duration?
        package var end: Duration?
        /// What went wrong, for people, when it failed.
        package var reason: String?
        package var artifact: Digest?
        /// In the order in which they started.
        package var steps: [Step] = []

        /// The step it was last in.
        package var lastStep: StepKind? { steps.last?.kind }
    }

    /// How far a package is.
    package enum Status: String, Sendable, CaseIterable {
        case waiting, running, cached, built, failed, skipped

        /// Whether nothing more is going to happen to it.
        package var isFinal: Bool { self != .waiting && self != .running }
    }

    /// Something that people should know and that is no failure.
    package struct Warning: Sendable {
        package var package: PackageName?
        package var text: String
    }

    /// In dependency order.
    package private(set) var packages: [Entry] = []
    /// At most `warningLimit`.
    package private(set) var warnings: [Warning] = []
    /// How many packages have each status.
    package private(set) var counts: [Status: Int] = [:]
    /// The packages that have a step under way, with its place in `steps`, oldest first.
    package private(set) var running: [(package: Int, step: Int)] = []
    /// `nil` until the build has said that it finished.
    package private(set) var succeeded: Bool?
    /// The time of the last event.
    package private(set) var time = Duration.zero

    /// How many bytes of step output the record keeps in all. Beyond that, what the oldest finished steps printed goes.
    package let outputLimit: Int
    private static let warningLimit = 1000

    private var places: [PackageName: Int] = [:]
    private var retained = 0
    private var finishedOutputs: [(package: Int, step: Int)] = []
    private var dropped = 0

    package init(outputLimit: Int = 32 << 20) {
        self.outputLimit = outputLimit
    }

    /// The record of a whole series of events.
    package init(_ events: some Sequence<BuildEvent>) {
        self.init()
        for event in events { apply(event) }
    }

    /// The entry of `name`, if the build has it.
    package subscript(name: PackageName) -> Entry? { places[name].map { packages[$0] } }

    /// Takes in the next event.
    package mutating func apply(_ event: BuildEvent) {
        time = max(time, event.time)
        switch event.kind {
        case .planned(let plan):
            for package in plan {
                let index = place(of: package.name)
                packages[index].plan = package
                if package.isCached { setStatus(.cached, of: index) }
            }
        case .packageStarted(let name):
            let index = place(of: name)
            packages[index].start = event.time
            setStatus(.running, of: index)
        case .stepStarted(let name, let kind):
            let index = place(of: name)
            packages[index].steps.append(Step(kind: kind, start: event.time))
            running.append((index, packages[index].steps.count - 1))
        case .stepOutput(let name, let kind, let bytes):
            let index = place(of: name)
            let step = placeOfStep(kind, in: index, at: event.time)
            let before = packages[index].steps[step].output.retained
            packages[index].steps[step].output.append(bytes)
            retained += packages[index].steps[step].output.retained - before
            dropOutputs()
        case .stepFinished(let name, let kind, let result):
            let index = place(of: name)
            let step = placeOfStep(kind, in: index, at: event.time)
            packages[index].steps[step].end = event.time
            packages[index].steps[step].result = result
            running.removeAll { $0.package == index && $0.step == step }
            if packages[index].steps[step].output.retained > 0 { finishedOutputs.append((index, step)) }
        case .packageFinished(let name, let result, let artifact):
            finish(place(of: name), result, artifact, at: event.time)
        case .warning(let name, let text):
            if warnings.count < Self.warningLimit { warnings.append(Warning(package: name, text: text)) }
        case .finished(let succeeded):
            self.succeeded = succeeded
            running = []
        }
    }

    private mutating func finish(_ index: Int, _ result: StepResult, _ artifact: Digest?, at time: Duration) {
        packages[index].end = time
        packages[index].artifact = artifact
        running.removeAll { $0.package == index }
        switch result {
        case .built: setStatus(.built, of: index)
        case .cached: setStatus(.cached, of: index)
        case .skipped: setStatus(.skipped, of: index)
        case .failed(let reason):
            packages[index].reason = reason
            setStatus(.failed, of: index)
        }
    }

    private mutating func setStatus(_ status: Status, of index: Int) {
        counts[packages[index].status, default: 0] -= 1
        packages[index].status = status
        counts[status, default: 0] += 1
    }

    /// An event may name a package or a step that nothing announced; it gets a place then.
    private mutating func place(of name: PackageName) -> Int {
        if let index = places[name] { return index }
        let plan = PlannedPackage(name: name, leewayVersion: "", dependencies: [], isCached: false)
        packages.append(Entry(plan: plan, status: .waiting))
        places[name] = packages.count - 1
        counts[.waiting, default: 0] += 1
        return packages.count - 1
    }

    private mutating func placeOfStep(_ kind: StepKind, in index: Int, at time: Duration) -> Int {
        if let step = packages[index].steps.lastIndex(where: { $0.kind == kind }) { return step }
        packages[index].steps.append(Step(kind: kind, start: time))
        return packages[index].steps.count - 1
    }

    private mutating func dropOutputs() {
        while retained > outputLimit, dropped < finishedOutputs.count {
            let (package, step) = finishedOutputs[dropped]
            dropped += 1
            retained -= packages[package].steps[step].output.retained
            packages[package].steps[step].output.clear()
        }
    }
}

extension BuildRecord.Entry {
    /// How long it took from its start to its end; `nil` when it never ran or never ended.
    package var duration: Duration? {
        guard let start, let end else { return nil }
        return end - start
    }
}

extension BuildRecord.Step {
    /// How long it ran, `nil` when it never ended.
    package var duration: Duration? { end.map { $0 - start } }
}
