internal import Bytes
internal import Registry

extension FuzzTarget {
    /// Reading what clients ask of a registry: paths, queries and ranges.
    static let distribution = FuzzTarget(name: "distribution") { input in
        let text = String(decoding: input, as: UTF8.self)
        if let path = DistributionPath("/v2/" + text), let repository = path.repository {
            require(!repository.utf8.contains(0), "no name ends a path")
        }
        if let query = DistributionQuery(text) {
            for name in ["n", "last", "digest", "tag"] {
                for value in query.all(name) {
                    require(
                        DistributionQuery("x=" + DistributionQuery.encode(value))?["x"]?.utf8.elementsEqual(value.utf8)
                            == true, "a value reads back")
                }
            }
        }
        for size in [0, 1, 1000] {
            if case .part(let range) = DistributionRange("bytes=" + text, size: size) {
                require(!range.isEmpty && range.lowerBound >= 0 && range.upperBound <= size, "a range lies in the blob")
            }
        }
        if let range = DistributionRange.upload(text) { require(range.lowerBound >= 0, "a chunk has a place") }
    }
}
