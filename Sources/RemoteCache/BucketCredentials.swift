internal import Host
internal import SystemPackage

/// Who asks a bucket: from the environment, else from the files that Amazon's own programs read.
struct BucketCredentials: Hashable, Sendable {
    var id: String
    var secret: String
    var sessionToken: String?

    /// What is found; `nil` where there is nothing, and everybody's rights are enough.
    static func find(_ environment: [String: String]) -> BucketCredentials? {
        if let id = value("AWS_ACCESS_KEY_ID", environment), let secret = value("AWS_SECRET_ACCESS_KEY", environment) {
            return BucketCredentials(id: id, secret: secret, sessionToken: value("AWS_SESSION_TOKEN", environment))
        }
        for (variable, file) in files(environment) {
            let settings = profile(variable, file, environment)
            if let id = settings["aws_access_key_id"], let secret = settings["aws_secret_access_key"] {
                return BucketCredentials(id: id, secret: secret, sessionToken: settings["aws_session_token"])
            }
        }
        return nil
    }

    /// Where buckets are that don't say it themselves.
    static func region(_ environment: [String: String]) -> String {
        value("AWS_REGION", environment) ?? value("AWS_DEFAULT_REGION", environment)
            ?? setting("region", environment) ?? "us-east-1"
    }

    /// Another server than Amazon's.
    static func endpoint(_ environment: [String: String]) -> String? {
        value("AWS_ENDPOINT_URL_S3", environment) ?? value("AWS_ENDPOINT_URL", environment)
            ?? setting("endpoint_url", environment)
    }

    private static func setting(_ name: String, _ environment: [String: String]) -> String? {
        files(environment).lazy.compactMap { profile($0.0, $0.1, environment)[name] }.first
    }

    private static func value(_ name: String, _ environment: [String: String]) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func files(_ environment: [String: String]) -> [(String, String)] {
        [("AWS_SHARED_CREDENTIALS_FILE", "credentials"), ("AWS_CONFIG_FILE", "config")]
    }

    /// The settings of the profile that the environment names, in one of the two files.
    private static func profile(
        _ variable: String, _ name: String, _ environment: [String: String]
    ) -> [String: String] {
        let path =
            value(variable, environment).map { FilePath($0) }
            ?? value("HOME", environment).map { FilePath($0).pushing(".aws").appending(name) }
        guard let path, let text = try? Files.readText(path, limit: 1 << 20) else { return [:] }
        return settings(of: value("AWS_PROFILE", environment) ?? "default", in: text)
    }

    /// The settings below `[name]` or `[profile name]`.
    static func settings(of name: String, in text: String) -> [String: String] {
        var out: [String: String] = [:]
        var isInside = false
        for line in text.split(whereSeparator: \.isNewline) {
            let line = line.trimmingSpaces
            if line.hasPrefix("["), line.hasSuffix("]") {
                let words = line.dropFirst().dropLast().split(separator: " ")
                isInside = words.last.map { $0 == name } == true && (words.count == 1 || words.first == "profile")
            } else if isInside, !line.hasPrefix("#"), !line.hasPrefix(";"), let equals = line.firstIndex(of: "=") {
                let key = String(line[..<equals].trimmingSpaces)
                out[key] = out[key] ?? String(line[line.index(after: equals)...].trimmingSpaces)
            }
        }
        return out
    }
}

extension Substring {
    fileprivate var trimmingSpaces: Substring {
        var text = self
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
