package import Bytes
package import Workspace

/// A step of building a package: the unit that is cached.
package enum StepKind: String, Sendable, CaseIterable {
    case prep, fetch, lint, test, build, package
}

/// How a step came to its result.
package enum StepResult: Hashable, Sendable {
    case built
    case cached
    /// With what went wrong, for people.
    case failed(String)
    /// Not run because something before it failed or the build was cancelled.
    case skipped
}

/// Something that happened in a build. Reports are made from these alone.
package struct BuildEvent: Sendable {
    /// What happened.
    package enum Kind: Sendable {
        /// All packages of the build in dependency order, and which of them are in the cache already.
        case planned([PlannedPackage])
        case packageStarted(PackageName)
        case stepStarted(PackageName, StepKind)
        /// What a step printed, in pieces as they come.
        case stepOutput(PackageName, StepKind, [UInt8])
        case stepFinished(PackageName, StepKind, StepResult)
        case packageFinished(PackageName, StepResult, artifact: Digest?)
        case warning(PackageName?, String)
        case finished(succeeded: Bool)
    }

    package var kind: Kind
    /// Time since the build began.
    package var time: Duration

    package init(_ kind: Kind, time: Duration) {
        self.kind = kind
        self.time = time
    }
}

/// A package as the plan has it.
package struct PlannedPackage: Sendable {
    package var name: PackageName
    package var leewayVersion: String
    package var dependencies: [PackageName]
    package var isCached: Bool
    /// Whether it is a remote cache that has it.
    package var isRemote: Bool
    package var type: PackageType?

    package init(
        name: PackageName, leewayVersion: String, dependencies: [PackageName], isCached: Bool, isRemote: Bool = false,
        type: PackageType? = nil
    ) {
        self.name = name
        self.type = type
        self.leewayVersion = leewayVersion
        self.dependencies = dependencies
        self.isCached = isCached
        self.isRemote = isRemote
    }
}

extension Builder.Plan {
    /// What is needed, as it is told, with what the workspace says of it.
    package func planned(_ packages: [PackageName: Package]) -> [PlannedPackage] {
        order.compactMap { name in
            guard let package = packages[name] else { return nil }
            let isCached = cached[name] != nil
            return PlannedPackage(
                name: name, leewayVersion: package.leewayVersion, dependencies: dependencies[name, default: []],
                isCached: isCached, isRemote: isCached && remote.contains(name), type: package.type)
        }
    }
}
