/// Formats `BUILD.yaml` files: two spaces of indentation, one way to write each thing.
package enum Formatter {
    /// The formatted text of a file.
    ///
    /// - Parameters:
    ///   - text: the file.
    ///   - file: its path, for the error.
    ///   - fixing: also sort each package's `deps` and rename old package types, which changes the Leeway version, and
    ///     so is not done unasked.
    package static func format(_ text: [UInt8], file: String, fixing: Bool = false) throws -> [UInt8] {
        let document: YAMLDocument
        do throws(YAMLError) {
            document = try YAMLParser.parse(text)
        } catch {
            throw WorkspaceError(.unreadable, "\(file):\(error.line): \(error.message)")
        }
        guard var root = document.root else { return [] }
        if fixing { fix(&root) }
        return YAMLEmitter.emit(
            root, headComment: document.headComment, footComment: document.footComment, step: 2)
    }

    private static func fix(_ root: inout YAMLNode) {
        change("packages", in: &root) { packages in
            for index in packages.content.indices {
                change("type", in: &packages.content[index]) { type in
                    if type.value == PackageType.formerYarn { type.value = PackageType.yarn.rawValue }
                }
                change("deps", in: &packages.content[index]) { dependencies in
                    guard dependencies.kind == .sequence else { return }
                    dependencies.content.sort { $0.value.utf8.lexicographicallyPrecedes($1.value.utf8) }
                }
            }
        }
    }

    private static func change(_ key: String, in node: inout YAMLNode, _ change: (inout YAMLNode) -> Void) {
        guard node.kind == .mapping else { return }
        for index in stride(from: 0, to: node.content.count - 1, by: 2) where node.content[index].value == key {
            change(&node.content[index + 1])
        }
    }
}
