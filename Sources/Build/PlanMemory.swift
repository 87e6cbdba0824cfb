internal import Bytes
internal import Host
internal import SystemPackage
package import Workspace

/// Remembers which keys the targets of a build had, so that a build of the same workspace as before needs no keys of
/// all that it is made of.
///
/// A hint: it says under which keys to look, never that something is there.
struct PlanMemory: Sendable {
    /// The keys of targets, and what they depend on beside the workspace and the options.
    struct Entry: Sendable, Equatable {
        /// The names of all programs that steps of the plan start, and of variables that packages take over.
        var tools: [String]
        var variables: [String]
        /// What these were.
        var surroundings: Digest
        var keys: [PackageName: Digest]
    }

    /// The most plans that are kept for a workspace.
    private static let limit = 16
    private static let byteLimit = 16 << 20

    private let file: FilePath
    /// Names the workspace as it was loaded, and the program.
    private let state: Digest

    init(file: FilePath, state: Digest) {
        self.file = file
        self.state = state
    }

    /// Names a plan: the workspace, its targets and the options that keys depend on.
    func name(_ targets: [PackageName], _ options: BuildOptions, _ tools: ToolSettings) -> Digest {
        let parts: JSON = [
            "state": .string(state.hex), "targets": .list(targets.map(\.description)),
            "dontTest": .bool(options.dontTest), "sandboxOff": .bool(options.sandboxOff),
            "roots": .list(tools.roots.map(\.string)), "packages": .bool(tools.identifiesPackages),
        ]
        return .of(parts.canonical())
    }

    func entry(_ name: Digest) -> Entry? { plans()[name.hex].flatMap(Entry.init(json:)) }

    /// Keeps a plan. Losing it costs time only.
    func keep(_ entry: Entry, as name: Digest) {
        var plans = plans()
        if plans[name.hex].flatMap(Entry.init(json:)) == entry { return }
        // Those of other states are of no more use than chance.
        if plans.count >= Self.limit { plans = [:] }
        plans[name.hex] = entry.json
        let json: JSON = ["version": 1, "plans": .rows(plans.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })]
        try? Files.write(json.canonical(), to: file, mode: 0o600)
    }

    private func plans() -> [String: JSON] {
        guard let bytes = try? Files.read(file, limit: Self.byteLimit), let json = try? JSON(parsing: bytes),
            json["version"]?.intValue == 1, let members = json["plans"]?.objectValue
        else { return [:] }
        return Dictionary(members.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    }
}

extension PlanMemory.Entry {
    fileprivate var json: JSON {
        [
            "tools": .list(tools), "variables": .list(variables), "surroundings": .string(surroundings.hex),
            "keys": .rows(
                keys.map { ($0.key.description, .string($0.value.hex)) }.sorted { $0.0 < $1.0 }),
        ]
    }

    fileprivate init?(json: JSON) {
        guard let tools = json["tools"]?.arrayValue?.compactMap(\.stringValue),
            let variables = json["variables"]?.arrayValue?.compactMap(\.stringValue),
            let surroundings = json["surroundings"]?.stringValue.flatMap({ Digest(hex: $0) }),
            let members = json["keys"]?.objectValue
        else { return nil }
        var keys: [PackageName: Digest] = [:]
        for member in members {
            guard let name = PackageName(member.key), let key = member.value.stringValue.flatMap({ Digest(hex: $0) })
            else { return nil }
            keys[name] = key
        }
        self.init(tools: tools, variables: variables, surroundings: surroundings, keys: keys)
    }
}

extension Builder {
    /// The plan of a build that finds all of its `targets` under the keys that they had before; `nil` when it would not,
    /// or when anything that the keys depend on may be another now. It has no recipes, and nothing of what the targets
    /// are made from.
    package func unchangedPlan(_ targets: [PackageName]) async throws -> Plan? {
        guard let memory, !options.ignoreCache, let entry = memory.entry(memory.name(targets, options, site.tools))
        else { return nil }
        let toolchain = try Toolchain(names: Set(entry.tools), settings: site.tools)
        guard surroundings(toolchain, entry.variables) == entry.surroundings else { return nil }
        var plan = Plan(
            targets: targets, order: order.filter(Set(targets).contains), recipes: [:], keys: [:], cached: [:],
            toolchain: toolchain, dependencies: [:], isUnsandboxed: options.sandboxOff)
        for name in plan.order {
            guard let package = packages[name], let key = entry.keys[name],
                let built = try await reusableResult(for: key),
                built.name == name
            else { return nil }
            plan.cached[name] = built
            plan.dependencies[name] = Set(package.dependencies).sorted()
        }
        guard plan.order.count == Set(targets).count else { return nil }
        if options.needsStatements {
            let statements = RecordedStatements(actions: site.actions, store: site.store)
            let cached = plan.cached.values.map { (key: $0.key, name: $0.name) }
            guard (try? statements.all(of: cached, .slsa)) != nil else { return nil }
        }
        return plan
    }

    /// Remembers a plan that found everything.
    func remember(_ plan: Plan) {
        guard let memory, !options.ignoreCache, plan.missing.isEmpty, plan.volatile.isEmpty, plan.imported.isEmpty,
            plan.isUnsandboxed == options.sandboxOff
        else { return }
        let needed = plan.recipes.keys.compactMap { packages[$0] }
        let variables = Set(needed.flatMap(\.settings.passEnvironment)).sorted()
        var keys: [PackageName: Digest] = [:]
        for name in plan.targets { keys[name] = plan.keys[name]?.digest }
        memory.keep(
            .init(
                tools: Set(plan.recipes.values.flatMap(\.tools)).sorted(), variables: variables,
                surroundings: surroundings(plan.toolchain, variables), keys: keys),
            as: memory.name(plan.targets, options, site.tools))
    }

    /// Names what keys depend on beside the workspace: the tools, the machine, and variables that are passed on.
    private func surroundings(_ toolchain: Toolchain, _ names: [String]) -> Digest {
        let tools = toolchain.tools.sorted { $0.key < $1.key }.map { name, tool in
            JSON.list([name, tool.path.string, tool.file.string, tool.digest.hex, tool.isAlias ? "alias" : ""])
        }
        let json: JSON = [
            "tools": .array(tools), "platform": .table(toolchain.platform),
            "roots": .list(toolchain.roots.map(\.string)), "path": .string(toolchain.searchPath),
            "variables": .table(variables.filter { names.contains($0.key) }),
        ]
        return .of(json.canonical())
    }
}
