internal import Bytes
internal import Host
package import Keys
package import SystemPackage

/// A line of a registry's file of users: `NAME:HASH` with `:pull` behind it for those who may not write.
package struct RegistryUser: Hashable, Sendable {
    package let name: String
    let password: PasswordHash
    package let mayPush: Bool

    /// Makes a user. Names have no colon and no space.
    package init(_ name: String, password: Secret, mayPush: Bool) throws {
        guard Self.isName(name) else {
            throw ServeError(.configuration, "a user's name has up to 128 letters, digits and _ . @ + -")
        }
        self.name = name
        self.password = try PasswordHash(of: password)
        self.mayPush = mayPush
    }

    private init?(line: Substring) {
        let parts = line.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard 2...3 ~= parts.count, Self.isName(parts[0]), let hash = try? PasswordHash(parts[1]),
            parts.count == 2 || ["pull", "push"].contains(parts[2])
        else { return nil }
        name = parts[0]
        password = hash
        mayPush = parts.count == 2 || parts[2] == "push"
    }

    private static func isName(_ text: String) -> Bool {
        1...128 ~= text.utf8.count
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "_.@+-".utf8.contains(byte)
                }
            }
    }

    private var line: String { "\(name):\(password)\(mayPush ? "" : ":pull")" }

    /// Reads a file of users; empty lines and those that begin with `#` mean nothing.
    package static func read(_ file: FilePath) throws -> [RegistryUser] {
        var users: [RegistryUser] = []
        for (number, line) in try Files.readText(file, limit: 1 << 20).split(
            separator: "\n", omittingEmptySubsequences: false
        ).enumerated() where !line.isEmpty && !line.hasPrefix("#") {
            guard let user = RegistryUser(line: line) else {
                throw ServeError(
                    .configuration,
                    "\(file): line \(number + 1) is no user; make one with: martlet serve user NAME --data DIR")
            }
            users.append(user)
        }
        return users
    }

    /// Adds this user to the file, or replaces the one of that name.
    package func write(to file: FilePath) throws {
        try Files.createDirectories(file.removingLastComponent(), mode: 0o700)
        var users = try Files.exists(file) ? Self.read(file) : []
        if let position = users.firstIndex(where: { $0.name == name }) {
            users[position] = self
        } else {
            users.append(self)
        }
        try Files.write(Array(users.map { $0.line + "\n" }.joined().utf8), to: file, mode: 0o600, durable: true)
    }
}
