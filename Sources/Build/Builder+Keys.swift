internal import Bytes
package import Workspace

extension Builder {
    /// The keys of all packages, those that can't be built included: what they are is then in their Leeway manifest
    /// alone, together with the arguments that are open.
    package func allKeys() throws -> [PackageName: PackageKey] {
        let context = recipeContext
        var recipes: [PackageName: Recipe] = [:]
        var broken: [PackageName] = []
        for name in order {
            guard let package = packages[name] else { continue }
            do throws(BuildError) {
                recipes[name] = try Recipe(for: package, in: context)
            } catch {
                broken.append(name)
            }
        }
        var keys = try keyedPlan([], needed: order, recipes: recipes, isUnsandboxed: options.sandboxOff).keys
        for name in broken {
            guard let package = packages[name] else { continue }
            keys[name] = PackageKey(manifest: [
                "package": .string(name.description), "leewayManifest": .string(package.leewayManifest),
                "open": .list(package.unresolved),
            ])
        }
        return keys
    }

    /// Whether the cache has the result of `name` as it is now.
    package func isCached(_ name: PackageName) async throws -> Bool {
        try await plan([name]).cached[name] != nil
    }
}
