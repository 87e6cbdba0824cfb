/// What a tar header says of an entry beside its name, kind and content.
package struct TarAttributes: Hashable, Sendable {
    /// The twelve permission bits.
    package var mode: UInt16
    package var owner: Int
    package var group: Int
    /// Seconds since 1970.
    package var modified: Int

    package init(mode: UInt16 = 0o644, owner: Int = 0, group: Int = 0, modified: Int = 0) {
        self.mode = mode
        self.owner = owner
        self.group = group
        self.modified = modified
    }
}
