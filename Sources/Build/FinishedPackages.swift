internal import Bytes
internal import Synchronization
internal import Workspace

/// The packages of a build that are done, for those that build on them.
final class FinishedPackages: Sendable {
    /// The lock guards the table only.
    private let packages: Mutex<[PackageName: BuiltPackage]>

    init(_ packages: [PackageName: BuiltPackage]) { self.packages = Mutex(packages) }

    subscript(name: PackageName) -> BuiltPackage? { packages.withLock { $0[name] } }

    /// The package when it has this key.
    subscript(name: PackageName, key: Digest) -> BuiltPackage? {
        self[name].flatMap { $0.key == key ? $0 : nil }
    }

    func add(_ built: BuiltPackage) { packages.withLock { $0[built.name] = built } }
}
