package import Hummingbird
internal import ServiceLifecycle

/// One service that a server offers: a value or an object that adds its routes and does its work.
///
/// Life: made by its `FaceKind` once the address is known, `run` beside the server, `stop` after the last request has
/// ended.
package protocol Face: Sendable {
    /// One word, as options, settings and metrics write it.
    var name: String { get }
    /// What `martlet serve` prints about this face: where it is, and what to type next.
    var notices: [FaceNotice] { get }

    /// Where people are sent who open the server's address in a browser; `nil` where the face has no pages.
    var home: String? { get }

    /// Requests that are answered without a task for each; all others find the routes.
    var hotPaths: [HotPath] { get }
    /// Answers that never change.
    var keptAnswers: KeptAnswers? { get }

    /// Adds the routes. Paths are absolute; errors that handlers throw are answered by `answer(to:)`.
    func addRoutes(to routes: Routes)

    /// Whether it can do its work right now. Called for `/healthz`, so it has to be quick.
    func health() async -> FaceHealth

    /// Work beside requests. It ends soon after graceful shutdown was asked for; by default there is none.
    func run() async throws

    /// Frees what it holds. No request is under way any more.
    func stop() async

    /// The answer to a request that was refused, in this protocol's own form.
    func answer(to refusal: Refusal) -> Response
}

extension Face {
    package var home: String? { nil }
    package var hotPaths: [HotPath] { [] }
    package var keptAnswers: KeptAnswers? { nil }
    package func health() async -> FaceHealth { .healthy }
    package func run() async throws { try? await gracefulShutdown() }
    package func stop() async {}
    package func answer(to refusal: Refusal) -> Response { refusal.response() }
}

/// Where a face adds its routes.
package typealias Routes = RouterGroup<ServeContext>

/// A line that tells people where a face is, and the command to try.
package struct FaceNotice: Hashable, Sendable {
    /// What is there, in a few words.
    package var title: String
    package var address: String
    /// What to type next; empty where there is nothing.
    package var command: String

    package init(_ title: String, at address: String, command: String = "") {
        self.title = title
        self.address = address
        self.command = command
    }
}

/// Whether a face can work.
package enum FaceHealth: Hashable, Sendable {
    case healthy
    /// It works in part, for instance reading alone. The server goes on, and says why.
    case degraded(String)
    /// It can't work. `/healthz` answers 503.
    case failing(String)
}

/// A kind of service that martlet knows: its name, and how one is made from settings.
package struct FaceKind: Sendable {
    /// As `--only` and the settings' `services` write it.
    package let name: String
    /// One line for people.
    package let summary: String
    /// Makes it, with all that is durable in `site.directory(name)`. The faces of kinds before this one are in
    /// `site.faces`.
    package let make: @Sendable (Site, FaceSettings) async throws -> any Face

    package init(
        name: String, summary: String, make: @escaping @Sendable (Site, FaceSettings) async throws -> any Face
    ) {
        self.name = name
        self.summary = summary
        self.make = make
    }
}
