internal import Bytes
internal import Cache
internal import Host
internal import SystemPackage
internal import Workspace

/// The build step of a docker package: an image builder of the host makes the image from the package's directory, and
/// the image becomes an OCI archive.
///
/// An image builder needs privileges that no sandboxed step has, so this step is not sandboxed, and its provenance
/// says so. What is pinned here is the context, the arguments, the time stamps and the archive's bytes.
struct ImageStep: Sendable {
    let run: StepRun
    let image: Recipe.ImageBuild

    private static let outputLimit = 64 << 20

    func run(in workplace: StepWorkplace) async throws -> StepRun.Result {
        let context = try await run.context(in: workplace)
        let output = try workplace.makeDirectory("image")
        let builder = try HostImageBuilder.find(storage: try workplace.makeDirectory("storage"))
        guard case .docker(let config) = run.package.config else {
            throw BuildError(.configuration, "only docker packages have image steps", package: run.package.name)
        }
        var log: [UInt8] = []
        let isExtracted = config.image.isEmpty
        let commands = builder.commands(
            for: image, name: run.package.imageName, context: context, output: output, extracting: isExtracted)
        for command in commands {
            let outcome = try await ChildProcess.run(
                command, environment: builder.environment, workingDirectory: context, outputLimit: Self.outputLimit,
                timeLimit: .seconds(run.timeLimit))
            log += outcome.output + outcome.error
            run.report(.stepOutput(run.package.name, run.step.kind, outcome.output + outcome.error))
            guard outcome.isSuccess else {
                throw BuildError(
                    .step, "the image builder failed: \(command.joined(separator: " "))", package: run.package.name)
            }
        }
        let artifact = try workplace.makeDirectory("artifact")
        if isExtracted {
            try Files.rename(output.appending("content"), to: artifact.appending("content"))
        } else {
            try await archive(output.appending("layout"), to: artifact.appending("image.tar"))
            try writeDescription(config, layout: output.appending("layout"), to: artifact)
        }
        let changes = try await run.captureArtifact(artifact)
        return StepRun.Result(changes: changes, fetched: nil, log: log)
    }

    /// The OCI layout as one archive whose bytes follow from its files alone.
    private func archive(_ layout: FilePath, to file: FilePath) async throws {
        let root = try await run.site.store.capture(layout, mode: .copying).root
        _ = try run.site.store.writeArchive(root, to: file, compression: .none)
    }

    private func writeDescription(_ config: DockerConfig, layout: FilePath, to artifact: FilePath) throws {
        let index = try JSON(parsing: try Files.read(layout.appending("index.json"), limit: 1 << 20))
        guard let digest = index["manifests"]?[0]?["digest"]?.stringValue else {
            throw BuildError(.step, "the image builder wrote no manifest", package: run.package.name)
        }
        let names = config.image.map { $0 + "\n" }.joined()
        try Files.write(Array(names.utf8), to: artifact.appending("imgnames.txt"))
        let description: JSON = [
            "image_names": .list(config.image), "built_version": .string(run.package.leewayVersion),
            "digest": .string(digest), "metadata": .table(config.metadata),
        ]
        try Files.write(description.bytes(indented: true), to: artifact.appending("docker-export-metadata.json"))
        guard !config.metadata.isEmpty else { return }
        let lines = config.metadata.sorted { $0.key < $1.key }.map { "\($0.key): \(JSON.string($0.value).text())\n" }
        try Files.write(Array(lines.joined().utf8), to: artifact.appending("metadata.yaml"))
    }
}

/// The program that builds images: buildah where it is installed, else docker's buildx.
struct HostImageBuilder: Sendable {
    private enum Kind { case buildah, docker }

    private let kind: Kind
    /// Where buildah keeps its images, for this step alone.
    private let storage: FilePath
    let environment: [String: String]

    /// The names of the programs, in the order in which they are preferred.
    static let names = ["buildah", "docker"]

    static func find(storage: FilePath) throws -> HostImageBuilder {
        let path = ChildProcess.environmentVariable("PATH") ?? "/usr/bin:/bin"
        var environment = [
            "PATH": path, "HOME": storage.string, "TMPDIR": storage.string, "LANG": "C.UTF-8", "TZ": "UTC",
            "SOURCE_DATE_EPOCH": StepEnvironment.sourceDateEpoch, "DOCKER_BUILDKIT": "1",
        ]
        for name in ["DOCKER_HOST", "XDG_RUNTIME_DIR"] {
            environment[name] = ChildProcess.environmentVariable(name)
        }
        for (name, kind) in zip(names, [Kind.buildah, .docker]) where ToolPath.find(name, path: path) != nil {
            return HostImageBuilder(kind: kind, storage: storage, environment: environment)
        }
        throw BuildError(
            .unavailable, "docker packages need buildah or docker; install one, e.g. apt-get install buildah")
    }

    /// The commands that build the image in the context they are started in and leave it at `output`: as an OCI layout
    /// called `layout`, or its files as `content`.
    func commands(
        for image: Recipe.ImageBuild, name: String, context: FilePath, output: FilePath, extracting: Bool
    ) -> [[String]] {
        let arguments = image.buildArguments.sorted { $0.key < $1.key }
            .flatMap { ["--build-arg", "\($0.key)=\($0.value)"] }
        switch kind {
        case .buildah:
            let base = [
                "buildah", "--root", storage.appending("root").string, "--runroot", storage.appending("run").string,
                "--storage-driver", "vfs",
            ]
            let build =
                base + [
                    "bud", "--isolation", "chroot", "--timestamp", StepEnvironment.sourceDateEpoch, "--layers=false",
                    "--omit-history",
                    "--file", image.dockerfile,
                ] + (image.squash ? ["--squash"] : []) + arguments
            if extracting {
                return [build + ["--output", "type=local,dest=\(output.appending("content").string)", "."]]
            }
            let local = "localhost/martlet:build"
            return [
                build + ["--tag", local, "."],
                base + ["push", "--quiet", local, "oci:\(output.appending("layout").string):\(Self.tag(of: name))"],
            ]
        case .docker:
            let target =
                extracting
                ? "type=local,dest=\(output.appending("content").string)"
                : "type=oci,tar=false,rewrite-timestamp=true,dest=\(output.appending("layout").string)"
            return [
                ["docker", "buildx", "build", "--provenance=false", "--file", image.dockerfile, "--tag", name]
                    + ["--output", target] + arguments + ["."]
            ]
        }
    }

    /// The tag in an image's name; `latest` when it has none.
    private static func tag(of name: String) -> String {
        let last = name.split(separator: "/").last ?? ""
        guard let colon = last.firstIndex(of: ":") else { return "latest" }
        return String(last[last.index(after: colon)...])
    }
}
