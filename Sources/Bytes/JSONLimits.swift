/// How much JSON a reader takes.
package struct JSONLimits: Hashable, Sendable {
    /// The largest document, in bytes.
    package var byteCount: Int
    /// How deep arrays and objects may nest.
    package let depth: Int

    /// No limit on nesting is above this, because the reader and the destruction of a value use the stack.
    package static let greatestDepth = 1000

    /// `depth` is cut to `greatestDepth`.
    package init(byteCount: Int, depth: Int) {
        self.byteCount = byteCount
        self.depth = min(depth, Self.greatestDepth)
    }

    /// 64 MiB and 128 levels.
    package static let `default` = JSONLimits(byteCount: 64 << 20, depth: 128)
}
