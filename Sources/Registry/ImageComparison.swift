internal import Bytes

/// Compares two images: manifests, then layer by layer, then file by file.
package struct ImageComparison: Sendable {
    /// A part of an image that is not the same in both.
    package struct Part: Sendable {
        /// `manifest`, `configuration` or `layer 3`.
        package var name: String
        package var detail: String
        package var files: [FileDifference] = []

        package init(name: String, detail: String, files: [FileDifference] = []) {
            self.name = name
            self.detail = detail
            self.files = files
        }
    }

    package private(set) var parts: [Part] = []
    /// Whether manifests are equal, and with them everything.
    package var isEqual: Bool { parts.isEmpty }

    /// - Parameter platform: which image of indexes.
    package init(
        _ first: any ImageSource, _ firstName: ManifestName, _ second: any ImageSource, _ secondName: ManifestName
    ) async throws {
        let (one, two) = (try await first.manifest(firstName), try await second.manifest(secondName))
        guard one.descriptor.digest != two.descriptor.digest else { return }
        switch (one.manifest, two.manifest) {
        case (.image(let one), .image(let two)): try await compare(one, first, two, second, "")
        case (.index(let one), .index(let two)): try await compare(one, first, two, second)
        default:
            parts.append(Part(name: "manifest", detail: "one is an index of images, the other an image"))
        }
        if parts.isEmpty {
            parts.append(
                Part(
                    name: "manifest", detail: "\(one.descriptor.digest) and \(two.descriptor.digest), written otherwise"
                ))
        }
    }

    private mutating func compare(
        _ one: ImageIndex, _ first: any ImageSource, _ two: ImageIndex, _ second: any ImageSource
    ) async throws {
        func name(_ descriptor: Descriptor) -> String { descriptor.platform.map { "\($0)" } ?? "\(descriptor.digest)" }
        let names = Set((one.manifests + two.manifests).map(name)).sorted()
        for platform in names {
            guard let left = one.manifests.first(where: { name($0) == platform }),
                let right = two.manifests.first(where: { name($0) == platform })
            else {
                parts.append(Part(name: "\(platform) manifest", detail: "only one of them has it"))
                continue
            }
            guard left.digest != right.digest else { continue }
            let (was, now) = (try await first.manifest(left).manifest, try await second.manifest(right).manifest)
            guard case .image(let one) = was, case .image(let two) = now else {
                parts.append(Part(name: "\(platform) manifest", detail: "\(left.digest) and \(right.digest)"))
                continue
            }
            try await compare(one, first, two, second, "\(platform) ")
        }
    }

    private mutating func compare(
        _ one: ImageManifest, _ first: any ImageSource, _ two: ImageManifest, _ second: any ImageSource,
        _ prefix: String
    ) async throws {
        for number in 0..<max(one.layers.count, two.layers.count) {
            let left = number < one.layers.count ? one.layers[number] : nil
            let right = number < two.layers.count ? two.layers[number] : nil
            guard left?.digest != right?.digest else { continue }
            func text(_ layer: Descriptor?) -> String { layer.map { "\($0.digest) (\($0.size) bytes)" } ?? "none" }
            var part = Part(name: "\(prefix)layer \(number)", detail: "\(text(left)) and \(text(right))")
            if let left, let right {
                let (was, now) = (
                    try await LayerContents.read(left, from: first), try await LayerContents.read(right, from: second)
                )
                part.files = LayerContents.differences(was, now)
                if part.files.isEmpty { part.detail += ": the same files, packed otherwise" }
            }
            parts.append(part)
        }
        guard one.config.digest != two.config.digest else { return }
        let limit = ImageConfiguration.greatestByteCount
        let was = try JSON(parsing: await first.content(one.config, limit: limit))
        let now = try JSON(parsing: await second.content(two.config, limit: limit))
        var lines: [String] = []
        Self.compare(was, now, "", &lines)
        parts.append(
            Part(
                name: "\(prefix)configuration",
                detail: lines.isEmpty ? "the same, written otherwise" : lines.joined(separator: "; ")))
    }

    private static func compare(_ left: JSON?, _ right: JSON?, _ place: String, _ lines: inout [String]) {
        guard left != right else { return }
        if let one = left?.objectValue, let two = right?.objectValue {
            let keys = Set(one.keys).union(two.keys).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            for key in keys { compare(one[key], two[key], place.isEmpty ? key : "\(place).\(key)", &lines) }
            return
        }
        func text(_ value: JSON?) -> String { String((value?.text() ?? "nothing").prefix(200)).safeForTerminal }
        lines.append("\(place.safeForTerminal): \(text(left)) and \(text(right))")
    }
}
