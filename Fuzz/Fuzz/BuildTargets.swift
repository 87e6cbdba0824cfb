internal import Build
internal import Bytes

extension FuzzTarget {
    /// Requests to the build service: what is accepted reads back, and leads nowhere else.
    static let buildRequest = FuzzTarget(name: "build-request") { input in
        guard let request = try? BuildRequest(parsing: input) else { return }
        require((try? BuildRequest(parsing: request.json.bytes())) == request, "a request reads back")
        require(!request.directory.hasPrefix("/"), "a directory is below the repository's root")
        require(!request.directory.split(separator: "/").contains(".."), "a directory has no way up")
        if case .repository(let address, let ref) = request.source {
            require(!address.hasPrefix("-") && !(ref ?? "").hasPrefix("-"), "nothing is an option of git's")
        }
    }
}
