/// The full name of a package: `component:name`, where the component is a directory relative to the workspace root.
///
/// The root component is written `//`, as in `//:all`.
package struct PackageName: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The directory of the component, relative to the workspace root; `//` for the root itself.
    package var component: String
    /// The name within the component.
    package var name: String

    package init(component: String, name: String) {
        self.component = component
        self.name = name
    }

    /// Takes a full name, or `:name`, which means a package of `component`. `nil` when there is no colon, the name is
    /// empty, or `:name` is used without a component.
    package init?(_ text: String, in component: String? = nil) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let name = String(text[text.index(after: colon)...])
        guard !name.isEmpty else { return nil }
        if colon == text.startIndex {
            guard let component else { return nil }
            self.init(component: component, name: name)
        } else {
            self.init(component: String(text[..<colon]), name: name)
        }
    }

    package var description: String { "\(component):\(name)" }

    /// Orders by the bytes of the full name, as Leeway's lists do.
    package static func < (left: Self, right: Self) -> Bool {
        left.description.utf8.lexicographicallyPrecedes(right.description.utf8)
    }

    /// The full name as one path component: `/` becomes `-`, `:` becomes `--`, and a leading `-` goes.
    package var fileSystemSafe: String {
        var out = ""
        for character in description {
            switch character {
            case "/": out += "-"
            case ":": out += "--"
            default: out.append(character)
            }
        }
        while out.hasPrefix("-") { out.removeFirst() }
        return out
    }
}
