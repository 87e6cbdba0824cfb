/// A version of SLSA and one of its tracks.
package enum LevelTrack: String, Sendable, CaseIterable {
    case v0_1 = "v0.1"
    case build1_0 = "v1.0 build"
    case build1_1 = "v1.1 build"
    case build1_2 = "v1.2 build"
    case source1_2 = "v1.2 source"

    /// The highest level of the track.
    package var greatestLevel: Int {
        switch self {
        case .v0_1, .source1_2: 4
        case .build1_0, .build1_1, .build1_2: 3
        }
    }

    package var requirements: [LevelRequirement] {
        switch self {
        case .v0_1: LevelRequirement.version0_1
        case .build1_0, .build1_1, .build1_2: LevelRequirement.build
        case .source1_2: LevelRequirement.source
        }
    }
}

/// What a level asks for, in the standard's words.
package struct LevelRequirement: Hashable, Sendable {
    /// What decides it.
    package enum Question: Hashable, Sendable {
        // Sources
        case versionControlled, repositoryIdentified, revisionImmutable, sourceLevel(Int), reviewed, retained
        // Builds
        case scripted, consistentProcess, platformChosen, hosted, buildAsCode, ephemeral, isolated, parameterless
        case hermetic, reproducible
        // Provenance
        case available, distributed, authenticated, serviceGenerated, unforgeable, complete
        /// Nothing that an artifact carries can show it.
        case organisation
    }

    package let group: String
    package let name: String
    /// The lowest level that asks for it.
    package let level: Int
    /// Asked for as far as possible; a level is reached without it.
    package let isBestEffort: Bool
    package let question: Question

    package init(_ group: String, _ name: String, _ level: Int, _ question: Question, isBestEffort: Bool = false) {
        self.group = group
        self.name = name
        self.level = level
        self.question = question
        self.isBestEffort = isBestEffort
    }

    /// slsa.dev/spec/v0.1/requirements.
    static let version0_1: [LevelRequirement] = [
        .init("Source", "Version controlled", 2, .versionControlled),
        .init("Source", "Verified history", 3, .sourceLevel(2)),
        .init("Source", "Retained", 3, .retained),
        .init("Source", "Two-person reviewed", 4, .reviewed),
        .init("Build", "Scripted build", 1, .scripted),
        .init("Build", "Build service", 2, .hosted),
        .init("Build", "Build as code", 3, .buildAsCode),
        .init("Build", "Ephemeral environment", 3, .ephemeral),
        .init("Build", "Isolated", 3, .isolated),
        .init("Build", "Parameterless", 4, .parameterless),
        .init("Build", "Hermetic", 4, .hermetic),
        .init("Build", "Reproducible", 4, .reproducible, isBestEffort: true),
        .init("Provenance", "Available", 1, .available),
        .init("Provenance", "Authenticated", 2, .authenticated),
        .init("Provenance", "Service generated", 2, .serviceGenerated),
        .init("Provenance", "Non-falsifiable", 3, .unforgeable),
        .init("Provenance", "Dependencies complete", 4, .complete),
        .init("Common", "Security", 4, .organisation),
        .init("Common", "Access", 4, .organisation),
        .init("Common", "Superusers", 4, .organisation),
    ]

    /// slsa.dev/spec/v1.2/build-requirements; v1.0 and v1.1 ask for the same.
    static let build: [LevelRequirement] = [
        .init("Producer", "Choose an appropriate build platform", 1, .platformChosen),
        .init("Producer", "Follow a consistent build process", 1, .consistentProcess),
        .init("Producer", "Distribute provenance", 1, .distributed),
        .init("Platform", "Provenance exists", 1, .available),
        .init("Platform", "Provenance is authentic", 2, .authenticated),
        .init("Platform", "Hosted", 2, .hosted),
        .init("Platform", "Provenance is unforgeable", 3, .unforgeable),
        .init("Platform", "Isolated", 3, .isolated),
    ]

    /// slsa.dev/spec/v1.2/source-requirements.
    static let source: [LevelRequirement] = [
        .init("Organization", "Choose an appropriate source control system", 1, .versionControlled),
        .init("System", "Repositories are uniquely identifiable", 1, .repositoryIdentified),
        .init("System", "Revisions are immutable and uniquely identifiable", 1, .revisionImmutable),
        .init("System", "Human readable changes", 1, .sourceLevel(1)),
        .init("System", "Source verification summary", 1, .sourceLevel(1)),
        .init("Organization", "Access and history controls", 2, .sourceLevel(2)),
        .init("Organization", "Safe expunging process", 2, .sourceLevel(2)),
        .init("System", "History and continuity", 2, .sourceLevel(2)),
        .init("System", "Identity management", 2, .sourceLevel(2)),
        .init("System", "Source provenance", 2, .sourceLevel(2)),
        .init("Organization", "Continuous technical controls", 3, .sourceLevel(3)),
        .init("System", "Protected named references", 3, .sourceLevel(3)),
        .init("System", "Two-party review", 4, .reviewed),
    ]
}
