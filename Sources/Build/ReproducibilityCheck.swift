internal import Bytes
internal import Cache
internal import Host
internal import SystemPackage
package import Workspace

/// Builds packages twice, from nothing, and compares the results file by file.
package struct ReproducibilityCheck: Sendable {
    /// A file that two builds of one package made differently.
    package struct Difference: Sendable, Hashable, CustomStringConvertible {
        package var package: PackageName
        package var path: String
        /// What differs, for people: two digests and the offset of the first byte that differs, say.
        package var detail: String

        package var description: String { "\(package): \(path): \(detail)" }
    }

    /// The results of both builds that are the same.
    package var confirmed: [PackageName]
    package var differences: [Difference]

    /// The packages that have differences.
    package var differingPackages: Set<PackageName> { Set(differences.map(\.package)) }

    private static let compareLimit = 64 << 20

    /// Compares what two builds made of the same packages.
    init(_ first: Builder.Outcome, in store: ContentStore, _ second: Builder.Outcome, in other: ContentStore) throws {
        confirmed = []
        differences = []
        for (name, built) in first.built.sorted(by: { $0.key < $1.key }) {
            guard let again = second.built[name] else { continue }
            if built.ownTree == again.ownTree {
                confirmed.append(name)
                continue
            }
            let (before, after) = (try store.flatten(built.ownTree), try other.flatten(again.ownTree))
            let (old, new) = (
                Dictionary(before.map { ($0.path, $0.node) }, uniquingKeysWith: { $1 }),
                Dictionary(after.map { ($0.path, $0.node) }, uniquingKeysWith: { $1 })
            )
            for path in Set(old.keys).union(new.keys).sorted() where old[path] != new[path] {
                differences.append(
                    Difference(
                        package: name, path: path,
                        detail: try Self.detail(old[path], store, new[path], other)))
            }
        }
    }

    private static func detail(_ old: Tree.Node?, _ store: ContentStore, _ new: Tree.Node?, _ other: ContentStore)
        throws -> String
    {
        guard let old, let new else { return "only the \(old == nil ? "second" : "first") build made it" }
        guard case .file(let a, let sizeA, let executableA) = old, case .file(let b, let sizeB, let executableB) = new
        else { return "\(old) and \(new)" }
        guard a != b else { return executableA == executableB ? "the same" : "one is executable, the other is not" }
        guard sizeA <= compareLimit, sizeB <= compareLimit else { return "\(a) and \(b)" }
        let (left, right) = (try store.read(a, limit: compareLimit), try other.read(b, limit: compareLimit))
        let offset = zip(left, right).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? min(sizeA, sizeB)
        return
            "differs from byte \(offset) on (\(sizeA) and \(sizeB) bytes, \(a.hex.prefix(12)) and \(b.hex.prefix(12)))"
    }
}
