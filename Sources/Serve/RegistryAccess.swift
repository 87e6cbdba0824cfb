internal import Bytes
internal import HTTPTypes
internal import Host
internal import Hummingbird
internal import Keys
internal import NIOPosix
internal import Synchronization
internal import SystemPackage

/// Who may read from and write to a registry: everybody, or the users of a file, by HTTP Basic authentication.
final class RegistryAccess: Sendable {
    /// What a request is about to do.
    enum Action { case ping, pull, push }

    /// What a stranger may do.
    enum Anonymous: String, CaseIterable { case none, pull, push }

    private let anonymous: Anonymous
    /// The file of users; absent or empty for none.
    private let file: FilePath
    /// Passwords are hashed one after the other on a thread of their own, so that guessing can't take all processors.
    private let thread = NIOThreadPool(numberOfThreads: 1)
    /// The lock guards the table of users and of what was proved.
    private let state = Mutex(State())
    /// Keys the memory of proved passwords, so that it helps nobody who reads this process's memory later.
    private let secret: [UInt8]

    private struct State {
        var status: FileStatus?
        var users: [String: RegistryUser] = [:]
        /// Digests of user and password that were found right.
        var proved: [Digest: RegistryUser] = [:]
        var waiting = 0
    }

    private static let provedLimit = 1000
    private static let waitingLimit = 64

    init(_ settings: FaceSettings, directory: FilePath, isLocal: Bool) throws {
        file = directory.pushing(FilePath(try settings.string("users") ?? "users"))
        var generator = SystemRandomNumberGenerator()
        secret = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        if let text = try settings.string("anonymous") {
            guard let known = Anonymous(rawValue: text) else {
                throw ServeError(.configuration, "services.registry.anonymous has to be none, pull or push")
            }
            anonymous = known
        } else {
            // Where there are users, strangers may do nothing; where there are none, this machine may do everything.
            anonymous = try Files.exists(file) ? .none : isLocal ? .push : .pull
        }
        try reload()
        thread.start()
    }

    func stop() async { try? await thread.shutdownGracefully() }

    /// Throws 401 or 403 where the request may not do that.
    func check(_ request: Request, _ action: Action) async throws {
        guard let field = request.headers[.authorization] else {
            switch action {
            // Clients ask here first, and learn from the answer that there is a way to log in.
            case .ping where anonymous == .push || (anonymous == .pull && !hasUsers): return
            case .pull where anonymous != .none: return
            case .push where anonymous == .push: return
            default: throw Self.unauthorized("log in, for instance with: skopeo login or docker login")
            }
        }
        let user = try await user(field)
        if action == .push, !user.mayPush {
            throw Refusal(.forbidden, "\(user.name) may read from this registry alone", code: "DENIED")
        }
    }

    private var hasUsers: Bool { state.withLock { !$0.users.isEmpty } }

    private static func unauthorized(_ message: String) -> Refusal {
        Refusal(
            .unauthorized, message, code: "UNAUTHORIZED",
            headers: [.wwwAuthenticate: "Basic realm=\"martlet registry\", charset=\"UTF-8\""])
    }

    private func user(_ field: String) async throws -> RegistryUser {
        let wrong = Self.unauthorized("user or password is wrong")
        let parts = field.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "basic", field.utf8.count <= 4096,
            let bytes = try? Base64.decode(String(parts[1])),
            let cut = bytes.firstIndex(of: UInt8(ascii: ":")),
            let name = String(validating: bytes[..<cut], as: UTF8.self)
        else { throw wrong }
        try await FileThreads.run { try self.reload() }
        let password = Array(bytes[(cut + 1)...])
        let proof = Digest.of(secret + Digest.of(Array(name.utf8)).bytes + password)
        let (user, known) = state.withLock { ($0.users[name], $0.proved[proof]) }
        if let known { return known }
        // An unknown name takes as long as a known one, or names could be found out.
        let hash = try user?.password ?? Self.nobody.get()
        let isAdmitted = state.withLock { state in
            guard state.waiting < Self.waitingLimit else { return false }
            state.waiting += 1
            return true
        }
        guard isAdmitted else {
            throw Refusal(.tooManyRequests, "too many log in at once", code: "TOOMANYREQUESTS", retryAfter: 2)
        }
        defer { state.withLock { $0.waiting -= 1 } }
        let isRight = try await thread.runIfActive { hash.matches(Secret(password)) }
        guard isRight, let user else { throw wrong }
        state.withLock {
            if $0.proved.count >= Self.provedLimit { $0.proved = [:] }
            if $0.users[name] == user { $0.proved[proof] = user }
        }
        return user
    }

    /// The hash of a password that nobody knows, as dear as those of users.
    private static let nobody = Result {
        try PasswordHash("$scrypt$ln=15,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    }

    /// Reads the file of users again where it has changed.
    private func reload() throws {
        let status = try Files.status(file)
        guard status != state.withLock({ $0.status }) else { return }
        var users: [String: RegistryUser] = [:]
        if status != nil {
            for user in try RegistryUser.read(file) { users[user.name] = user }
        }
        state.withLock {
            $0.status = status
            $0.users = users
            $0.proved = [:]
        }
    }
}
