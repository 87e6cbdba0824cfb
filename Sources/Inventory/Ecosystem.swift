/// A world of packages with names, versions and an order of versions of its own.
package enum Ecosystem: String, Hashable, Sendable, CaseIterable, Comparable {
    case cargo, composer, debian, go, maven, npm, pypi, rubygems, swift
    /// What has a digest and a name, but no package manager.
    case generic

    /// The type of package URLs.
    package var purlType: String {
        switch self {
        case .cargo: "cargo"
        case .composer: "composer"
        case .debian: "deb"
        case .go: "golang"
        case .maven: "maven"
        case .npm: "npm"
        case .pypi: "pypi"
        case .rubygems: "gem"
        case .swift: "swift"
        case .generic: "generic"
        }
    }

    /// The name in the OSV schema, without a release behind a colon; `nil` where OSV has none.
    package var osvName: String? {
        switch self {
        case .cargo: "crates.io"
        case .composer: "Packagist"
        case .debian: "Debian"
        case .go: "Go"
        case .maven: "Maven"
        case .npm: "npm"
        case .pypi: "PyPI"
        case .rubygems: "RubyGems"
        case .swift: "SwiftURL"
        case .generic: nil
        }
    }

    /// What people call it when they count dependencies.
    package var language: String {
        switch self {
        case .cargo: "Rust"
        case .composer: "PHP"
        case .debian: "Debian"
        case .go: "Go"
        case .maven: "Java"
        case .npm: "JavaScript"
        case .pypi: "Python"
        case .rubygems: "Ruby"
        case .swift: "Swift"
        case .generic: "other"
        }
    }

    /// The ecosystem of a package URL's type; `.generic` for types that martlet has no order of versions for.
    package init(purlType: String) {
        self = Self.allCases.first { $0.purlType == purlType } ?? .generic
    }

    package static func < (left: Ecosystem, right: Ecosystem) -> Bool { left.rawValue < right.rawValue }
}
