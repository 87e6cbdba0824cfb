internal import Bytes

/// Which layer of an image is meant: `first`, `last`, a number from 0, or from -1 backwards.
package enum LayerPosition: Hashable, Sendable {
    case fromFirst(Int)
    case fromLast(Int)

    package init(_ text: String) throws(RegistryError) {
        switch text {
        case "first": self = .fromFirst(0)
        case "last": self = .fromLast(0)
        default:
            guard text.utf8.count <= 9, let number = Int(text), !text.hasPrefix("+") else {
                throw RegistryError(
                    .input,
                    "'\(text.safeForTerminal)' is no position; write first, last, a number from 0, or from -1 backwards"
                )
            }
            self = text.hasPrefix("-") ? .fromLast(-number - 1) : .fromFirst(number)
            guard text != "-0" else { throw RegistryError(.input, "-0 is no position; the last layer is -1") }
        }
    }

    /// The layer at the position.
    package func layer(of image: ImageManifest) throws(RegistryError) -> Descriptor {
        let count = image.layers.count
        let index =
            switch self {
            case .fromFirst(let number): number
            case .fromLast(let number): count - 1 - number
            }
        guard image.layers.indices.contains(index) else {
            throw RegistryError(
                .absent,
                count == 0
                    ? "the image has no layers"
                    : "the image has \(count) layers, from 0 to \(count - 1), or from -1 to -\(count)")
        }
        return image.layers[index]
    }
}
