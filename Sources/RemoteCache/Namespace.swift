internal import Bytes

/// A part of a remote cache with writers of its own: `main`, `pr/17`. Who writes into one is told apart by signatures;
/// the name is signed too, so that an entry can't be moved from one to another.
package struct Namespace: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    /// Where nobody says otherwise.
    package static let main = Namespace(unchecked: "main")

    private init(unchecked text: String) { self.text = text }

    /// Takes up to 100 letters, digits, `.`, `_` and `-`, in parts between slashes of which none begins with a dot.
    package init(_ text: String) throws(RemoteCacheError) {
        let isValid =
            text.utf8.count <= 100
            && text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { part in
                !part.isEmpty && part.first != UInt8(ascii: ".") && part.allSatisfy(Self.isAllowed)
            }
        guard isValid else {
            throw RemoteCacheError(
                .configuration,
                "'\(String(text.prefix(200)).safeForTerminal)' is no namespace; write letters, digits, ._- and /, as in pr/17"
            )
        }
        self.text = text
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        0x30...0x39 ~= byte || 0x41...0x5A ~= byte || 0x61...0x7A ~= byte || byte == UInt8(ascii: ".")
            || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }

    package var description: String { text }

    /// The name as one part of a path. No namespace has a tilde.
    var fileName: String { text.replacing("/", with: "~") }
}
