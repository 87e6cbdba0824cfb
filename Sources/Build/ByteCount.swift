/// A size as people write it: `1500`, `5GiB`, `2 GB`.
package struct ByteCount: Hashable, Sendable {
    package var bytes: Int

    private static let units: [(name: String, bytes: Int)] = [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("KB", 1_000), ("MB", 1_000_000),
        ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30),
        ("T", 1 << 40), ("B", 1), ("", 1),
    ]

    package init(bytes: Int) { self.bytes = bytes }

    /// Takes a whole number with or without a unit; `nil` for anything else, and for what doesn't fit.
    package init?(text: String) {
        let digits = text.prefix { ("0"..."9").contains($0) }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }
        guard let number = Int(digits),
            let factor = Self.units.first(where: { $0.name.lowercased() == unit.lowercased() })?.bytes
        else { return nil }
        let (product, overflows) = number.multipliedReportingOverflow(by: factor)
        guard !overflows else { return nil }
        bytes = product
    }

    /// With three digits at least, in the largest unit of 1024 that leaves a number above 1.
    package var text: String {
        var unit = "bytes"
        var scale = 1
        for (name, bytes) in Self.units.prefix(4) where self.bytes >= bytes { (unit, scale) = (name, bytes) }
        guard scale > 1 else { return "\(bytes) bytes" }
        let hundredths = bytes / (scale / 100 == 0 ? 1 : scale) * 100 + bytes % scale * 100 / scale
        let (whole, rest) = (hundredths / 100, hundredths % 100)
        return "\(whole).\(rest < 10 ? "0" : "")\(rest) \(unit)"
    }
}
