internal import Attest
package import Bytes

/// When a key or an authority was in use. Both ends belong to the period.
package struct ValidityPeriod: Hashable, Sendable {
    /// `nil` where the trusted root does not say, and then no moment is inside: an unbounded start would make every
    /// forgotten key good for ever.
    package var start: Timestamp?
    /// `nil` where the end is open.
    package var end: Timestamp?

    package init(start: Timestamp?, end: Timestamp? = nil) {
        self.start = start
        self.end = end
    }

    /// Whether `moment` is inside, ends included.
    package func contains(_ moment: Timestamp) -> Bool {
        guard let start else { return false }
        return start <= moment && end.map { moment <= $0 } ?? true
    }

    init(_ fields: Fields?) throws(AttestError) {
        start = try fields?.moment("start")
        end = try fields?.moment("end")
        if let start, let end, end < start {
            throw AttestError(.malformed, "\(fields?.path ?? "") ends at \(end), before it starts at \(start)")
        }
    }

    package var json: JSON {
        var object = JSONObject()
        if let start { object["start"] = .string(start.description) }
        if let end { object["end"] = .string(end.description) }
        return .object(object)
    }
}

extension ValidityPeriod: CustomStringConvertible {
    package var description: String {
        guard let start else { return "a period without a start" }
        return "\(start) to \(end.map(\.description) ?? "now")"
    }
}
