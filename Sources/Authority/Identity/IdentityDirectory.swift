package import Bytes
internal import Host
package import Keys
package import SystemPackage

/// Who may get tokens: people with passwords, programs with secrets, and issuers whose tokens are exchanged
/// (docs/formats/identity.md).
package struct IdentityDirectory: Sendable {
    /// Somebody with a password.
    package struct User: Sendable {
        package var name: String
        package var email: String
        package var password: PasswordHash

        package init(name: String, email: String, password: PasswordHash) {
            self.name = name
            self.email = email
            self.password = password
        }
    }

    /// A program that gets tokens.
    package struct Client: Sendable {
        package var id: String
        /// `nil` for programs on people's machines, which can keep no secret.
        package var secret: PasswordHash?
        /// Whereto codes may be sent, beyond this machine's own addresses.
        package var redirects: [String]
        /// Whom its own tokens name; `nil` where it gets none for itself.
        package var subject: String?
        /// The beginning of what its builds may say that they are.
        package var builds: String?

        package init(
            id: String, secret: PasswordHash? = nil, redirects: [String] = [], subject: String? = nil,
            builds: String? = nil
        ) {
            self.id = id
            self.secret = secret
            self.redirects = redirects
            self.subject = subject
            self.builds = builds
        }
    }

    package var users: [User]
    package var clients: [Client]

    /// What every Sigstore client is called.
    package static let publicClient = Client(id: "sigstore")
    private static let greatestCount = 10_000

    package init(users: [User] = [], clients: [Client] = [publicClient]) {
        self.users = users
        self.clients = clients
    }

    /// Reads `{"users": [{"name", "email", "password"}], "clients": [{"id", "secret", "redirects", "subject", "builds"}]}`.
    package init(_ json: JSON) throws(AuthorityError) {
        self.init()
        let users = json["users"]?.arrayValue ?? []
        let clients = json["clients"]?.arrayValue ?? []
        guard users.count <= Self.greatestCount, clients.count <= Self.greatestCount else {
            throw AuthorityError(.limit, "more than \(Self.greatestCount) users or clients")
        }
        for user in users {
            guard let name = user["name"]?.stringValue, !name.isEmpty, let email = user["email"]?.stringValue,
                email.utf8.contains(UInt8(ascii: "@")), let password = user["password"]?.stringValue
            else { throw AuthorityError(.malformed, "a user has a name, an email and a password") }
            guard !self.users.contains(where: { $0.name == name || $0.email == email }) else {
                throw AuthorityError(.malformed, "the user \(name.safeForTerminal) is there twice")
            }
            self.users.append(User(name: name, email: email, password: try Self.hash(password, of: name)))
        }
        for client in clients {
            guard let id = client["id"]?.stringValue, !id.isEmpty else {
                throw AuthorityError(.malformed, "a client has an id")
            }
            let secret = try client["secret"]?.stringValue.map { (text) throws(AuthorityError) in
                try Self.hash(text, of: id)
            }
            self.clients.removeAll { $0.id.hasSameBytes(as: id) }
            self.clients.append(
                Client(
                    id: id, secret: secret, redirects: client["redirects"]?.arrayValue?.compactMap(\.stringValue) ?? [],
                    subject: client["subject"]?.stringValue, builds: client["builds"]?.stringValue))
            // A public client's word is anybody's.
            guard secret != nil || client["subject"] == nil && client["builds"] == nil else {
                throw AuthorityError(.malformed, "the client \(id.safeForTerminal) gets tokens and has no secret")
            }
        }
    }

    private static func hash(_ text: String, of name: String) throws(AuthorityError) -> PasswordHash {
        do {
            return try PasswordHash(text)
        } catch {
            throw AuthorityError(.malformed, "\(name.safeForTerminal): \(error)")
        }
    }

    package var json: JSON {
        [
            "users": .array(
                users.map {
                    [
                        "name": .string($0.name), "email": .string($0.email),
                        "password": .string($0.password.description),
                    ]
                }),
            "clients": .array(
                clients.map { client in
                    var object: JSONObject = ["id": .string(client.id)]
                    object["secret"] = client.secret.map { .string($0.description) }
                    if !client.redirects.isEmpty { object["redirects"] = .array(client.redirects.map { .string($0) }) }
                    object["subject"] = client.subject.map { .string($0) }
                    object["builds"] = client.builds.map { .string($0) }
                    return .object(object)
                }),
        ]
    }

    /// Reads the file; where there is none, nobody has a password.
    package init(file: FilePath) throws(AuthorityError) {
        let bytes: [UInt8]
        do {
            guard try Files.exists(file) else {
                self.init()
                return
            }
            bytes = try Files.read(file, limit: 16 << 20)
        } catch {
            throw AuthorityError(.damaged, "\(error)")
        }
        guard let json = try? JSON(parsing: bytes, limits: JSONLimits(byteCount: 16 << 20, depth: 8)) else {
            throw AuthorityError(.malformed, "\(file) is not JSON")
        }
        try self.init(json)
    }

    package func write(to file: FilePath) throws(AuthorityError) {
        do {
            try Files.write(json.bytes(indented: true) + [0x0A], to: file, mode: 0o600, durable: true)
        } catch {
            throw AuthorityError(.damaged, "\(error)")
        }
    }
}
