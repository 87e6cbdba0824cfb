internal import Bytes

/// The span that a trace continues, as `TRACEPARENT` names it (W3C Trace Context, section 3.2).
package struct TraceParent: Hashable, Sendable {
    /// 32 lower-case hexadecimal digits.
    package var trace: String
    /// 16 lower-case hexadecimal digits.
    package var span: String

    /// `nil` for text that is no valid trace parent: such a trace starts anew, as the standard asks.
    package init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
        // Later versions may add fields; version 0 may not, and 255 is forbidden.
        guard parts.count >= 4, let version = Hex.decode(parts[0]), version.count == 1, version[0] != 0xff,
            version[0] != 0 || parts.count == 4,
            let trace = Hex.decode(parts[1]), trace.count == 16, trace.contains(where: { $0 != 0 }),
            let span = Hex.decode(parts[2]), span.count == 8, span.contains(where: { $0 != 0 }),
            Hex.decode(parts[3])?.count == 1
        else { return nil }
        self.trace = parts[1]
        self.span = parts[2]
    }
}
