internal import Bytes

/// How much a server takes from strangers.
package struct ServerLimits: Hashable, Sendable {
    /// Open connections; more wait until one ends.
    package var connections = 4096
    /// Bytes of all header fields of a request.
    package var headerBytes = 64 << 10
    /// How long a connection may be without a request, and how long the head of one may take.
    package var idle = Duration.seconds(60)
    /// How long nothing of a request's content may come, or nothing of an answer be taken.
    package var stall = Duration.seconds(30)
    /// The fewest bytes a second of a request's content, on the average since its head; below it a client holds the
    /// connection for the sake of holding it.
    package var bytesPerSecond = 256
    /// How long requests may go on once the server was told to stop.
    package var grace = Duration.seconds(30)

    package init() {}

    mutating func apply(_ value: JSON) throws(ServeError) {
        guard let members = value.objectValue else {
            throw ServeError(.configuration, "limits has to be a mapping")
        }
        for member in members {
            guard let number = member.value.intValue, number > 0 else {
                throw ServeError(.configuration, "limits.\(member.key) has to be a positive number")
            }
            switch member.key {
            case "connections": connections = number
            case "headerBytes": headerBytes = number
            case "idleSeconds": idle = .seconds(number)
            case "stallSeconds": stall = .seconds(number)
            case "bytesPerSecond": bytesPerSecond = number
            case "graceSeconds": grace = .seconds(number)
            default:
                throw ServeError(
                    .configuration,
                    "limits.\(member.key) has no meaning; these have: connections, headerBytes, idleSeconds, stallSeconds, bytesPerSecond, graceSeconds"
                )
            }
        }
    }
}
