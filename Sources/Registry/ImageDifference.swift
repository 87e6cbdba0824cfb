internal import Bytes

/// In which parts two images differ, by their manifests and configurations.
package struct ImageDifference: Sendable {
    /// A line for each part; none where the images are the same.
    package private(set) var lines: [String] = []

    package init(
        _ left: any ImageSource, _ leftName: ManifestName, _ right: any ImageSource, _ rightName: ManifestName,
        platform: Platform?
    ) async throws {
        let first = try await left.image(leftName, platform: platform)
        let second = try await right.image(rightName, platform: platform)
        guard first.descriptor.digest != second.descriptor.digest else { return }
        lines.append("manifest: \(first.descriptor.digest) and \(second.descriptor.digest)")
        compareLayers(first.manifest.layers, second.manifest.layers)
        guard first.manifest.config.digest != second.manifest.config.digest else { return }
        let limit = ImageConfiguration.greatestByteCount
        let one = try await left.content(first.manifest.config, limit: limit)
        let two = try await right.content(second.manifest.config, limit: limit)
        guard let one = try? JSON(parsing: one), let two = try? JSON(parsing: two) else {
            lines.append("configuration: \(first.manifest.config.digest) and \(second.manifest.config.digest)")
            return
        }
        compare(one, two, "configuration")
    }

    private mutating func compareLayers(_ left: [Descriptor], _ right: [Descriptor]) {
        if left.count != right.count { lines.append("layers: \(left.count) and \(right.count)") }
        for number in 0..<max(left.count, right.count) {
            let (one, two) = (number < left.count ? left[number] : nil, number < right.count ? right[number] : nil)
            guard one?.digest != two?.digest else { continue }
            func text(_ layer: Descriptor?) -> String { layer.map { "\($0.digest) (\($0.size) bytes)" } ?? "none" }
            lines.append("layer \(number): \(text(one)) and \(text(two))")
        }
    }

    private mutating func compare(_ left: JSON?, _ right: JSON?, _ place: String) {
        guard left != right else { return }
        if let one = left?.objectValue, let two = right?.objectValue {
            let keys = Set(one.keys).union(two.keys).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            for key in keys { compare(one[key], two[key], "\(place).\(key)") }
            return
        }
        func text(_ value: JSON?) -> String { String((value?.text() ?? "nothing").prefix(200)) }
        lines.append("\(place.safeForTerminal): \(text(left).safeForTerminal) and \(text(right).safeForTerminal)")
    }
}
