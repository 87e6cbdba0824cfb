extension StatTree {
    /// Where a tree has what it knows of a watched file.
    package struct WatchedPlace: Sendable {
        /// The file's number.
        package let number: Int
        fileprivate let stamp: Int
    }

    /// Every watched file that has a number, by its path relative to the root. Reads nothing outside the tree's bytes,
    /// whatever they say.
    package func watchedPlaces() -> [String: WatchedPlace] {
        var places: [String: WatchedPlace] = [:]
        for index in 0..<count {
            let start = Int(bytes.half(at: Self.tableStart + 4 * index))
            guard let head = Self.head(in: bytes, at: start) else { continue }
            let path = String(decoding: bytes[head.path], as: UTF8.self)
            let prefix = path.isEmpty ? "" : path + "/"
            var offset = head.first
            for _ in 0..<head.entryCount {
                guard let entry = Self.next(in: bytes, &offset) else { break }
                guard entry.isWatched, entry.hasNumber else { continue }
                let name = String(decoding: bytes[entry.start..<(entry.start + entry.length)], as: UTF8.self)
                let number = Int(bytes.half(at: entry.stamp + Stamp.size))
                places[prefix + name] = WatchedPlace(number: number, stamp: entry.stamp)
            }
        }
        return places
    }

    /// Whether a file has the status that it had when its content was read.
    package func has(_ status: FileStatus, at place: WatchedPlace) -> Bool {
        status.kind == .regular && status.device == device && Stamp(status) == Stamp(bytes, at: place.stamp)
    }
}
