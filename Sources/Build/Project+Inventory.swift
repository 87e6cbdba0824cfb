package import Bytes
internal import Host
package import Inventory
internal import SystemPackage
package import Workspace

extension Project {
    /// The bill of materials of a package: what the lock files among its sources name. Where the package has been built
    /// as it is now, its artifact's digest is the bill's subject.
    package func bill(of name: PackageName) async throws -> BillOfMaterials {
        guard let package = workspace.packages[name] else {
            throw BuildError(.configuration, "there is no such package", package: name)
        }
        var subject = BillOfMaterials.Subject(name: name.description, version: package.leewayVersion)
        do {
            subject.checksums = [.init("sha256", try await result(of: name).artifact.hex)]
        } catch let error as BuildError where error.code == .missing {
            // Sources alone have a bill, too.
        }
        var found = FoundFiles()
        try addLockFiles(of: package, to: &found)
        return try found.bill(of: subject)
    }

    /// Adds the lock files among the sources of a package.
    func addLockFiles(of package: Package, to found: inout FoundFiles) throws {
        for source in package.sources where LockFile.Kind(path: source.path) != nil {
            try found.add(
                source.path, try Files.read(workspace.root.pushing(.init(source.path)), limit: LockFile.byteLimit))
        }
    }

    // MARK: - The gate

    /// What a scan of one target found, and whether that closes the gate.
    package struct ScanVerdict: Sendable {
        package var target: PackageName
        package var report: ScanReport
        package var isBlocked: Bool
    }

    /// Scans what the lock files of targets and of everything that they are built from name, with the settings of the
    /// workspace: the gate before anything is built or given away.
    package func scan(_ targets: [PackageName], at now: Timestamp) throws -> [ScanVerdict] {
        let settings = workspace.file.settings.vulnerabilities
        var request = ScanRequest(
            advisories: ScanRequest.advisories(environment: options.environment), now: now)
        request.apply(settings, root: workspace.root)
        return try targets.map { target in
            var found = FoundFiles()
            for name in workspace.transitiveDependencies(of: target) + [target] {
                if let package = workspace.packages[name] { try addLockFiles(of: package, to: &found) }
            }
            let report = try request.report(on: found.bill(of: .init(name: target.description)))
            return ScanVerdict(
                target: target, report: report, isBlocked: report.isBlocked(at: Severity(word: settings.failOn)))
        }
    }
}
