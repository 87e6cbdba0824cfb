package import Bytes

/// How an image is run, and of which file system changes it consists (image-spec `config.md`).
package struct ImageConfiguration: Hashable, Sendable {
    /// How a process is started in the image.
    package struct Execution: Hashable, Sendable {
        package var user: String?
        package var exposedPorts: [String] = []
        package var environment: [String] = []
        package var entrypoint: [String] = []
        package var command: [String] = []
        package var volumes: [String] = []
        package var workingDirectory: String?
        package var labels: [String: String] = [:]
        package var stopSignal: String?

        package init() {}
    }

    /// What made one layer, or a setting.
    package struct History: Hashable, Sendable {
        package var created: Timestamp?
        package var createdBy: String?
        package var author: String?
        package var comment: String?
        package var isEmptyLayer = false

        package init(
            created: Timestamp? = nil, createdBy: String? = nil, author: String? = nil, comment: String? = nil,
            isEmptyLayer: Bool = false
        ) {
            self.created = created
            self.createdBy = createdBy
            self.author = author
            self.comment = comment
            self.isEmptyLayer = isEmptyLayer
        }
    }

    package var created: Timestamp?
    package var author: String?
    package var platform: Platform
    package var execution = Execution()
    /// The digests of the layers' tar archives without compression, from the lowest to the topmost.
    package var diffIDs: [MessageDigest]
    package var history: [History] = []

    /// The most bytes of a configuration.
    package static let greatestByteCount = 8 << 20

    package init(platform: Platform, diffIDs: [MessageDigest]) {
        self.platform = platform
        self.diffIDs = diffIDs
    }

    /// Reads a configuration. Whoever needs its exact bytes keeps them: what is unknown here is not kept.
    package init(parsing bytes: [UInt8]) throws(RegistryError) {
        let fields = try ManifestFields(parsing: bytes, limit: Self.greatestByteCount, "the configuration")
        platform = try Platform(fields)
        created = try Self.moment(fields, "created")
        author = try fields.text("author")
        if let config = try fields.object("config") { execution = try Execution(config) }
        diffIDs = []
        if let root = try fields.object("rootfs") {
            for text in try root.texts("diff_ids", limit: Manifest.greatestLayerCount) {
                diffIDs.append(try MessageDigest(oci: text, "the configuration's rootfs"))
            }
        }
        for (index, entry) in (try fields.array("history", limit: 100_000) ?? []).enumerated() {
            let fields = try ManifestFields(entry, "the configuration's history[\(index)]")
            history.append(
                History(
                    created: try Self.moment(fields, "created"), createdBy: try fields.text("created_by"),
                    author: try fields.text("author"), comment: try fields.text("comment"),
                    isEmptyLayer: try fields.flag("empty_layer") ?? false))
        }
    }

    private static func moment(_ fields: ManifestFields, _ name: String) throws(RegistryError) -> Timestamp? {
        guard let text = try fields.text(name), !text.isEmpty else { return nil }
        guard let moment = Timestamp(text) else { throw fields.wrong(name, "a time as RFC 3339 has it") }
        return moment
    }

    /// The configuration as JSON, the same bytes for the same value.
    package func encoded() -> [UInt8] {
        var object = JSONObject()
        if let created { object["created"] = .string("\(created)") }
        if let author { object["author"] = .string(author) }
        for member in platform.members { object[member.key] = member.value }
        object["config"] = .object(execution.members)
        object["rootfs"] = ["type": "layers", "diff_ids": .array(diffIDs.map { .string("\($0)") })]
        if !history.isEmpty { object["history"] = .array(history.map { .object($0.members) }) }
        return JSON.object(object).bytes()
    }
}

extension ImageConfiguration.Execution {
    fileprivate init(_ fields: ManifestFields) throws(RegistryError) {
        user = try fields.text("User").flatMap { $0.isEmpty ? nil : $0 }
        exposedPorts = try Self.keys(fields, "ExposedPorts")
        environment = try fields.texts("Env", limit: 100_000)
        entrypoint = try fields.texts("Entrypoint", limit: 100_000)
        command = try fields.texts("Cmd", limit: 100_000)
        volumes = try Self.keys(fields, "Volumes")
        workingDirectory = try fields.text("WorkingDir").flatMap { $0.isEmpty ? nil : $0 }
        labels = try fields.table("Labels", limit: 100_000)
        stopSignal = try fields.text("StopSignal").flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The keys of Go's sets, which are objects with empty objects in them.
    private static func keys(_ fields: ManifestFields, _ name: String) throws(RegistryError) -> [String] {
        guard let set = try fields.object(name) else { return [] }
        return set.object.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    fileprivate var members: JSONObject {
        func list(_ texts: [String]) -> JSON? { texts.isEmpty ? .none : .some(.array(texts.map { .string($0) })) }
        func set(_ keys: [String]) -> JSON? {
            guard !keys.isEmpty else { return .none }
            var object = JSONObject()
            for key in keys.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) { object[key] = [:] }
            return .object(object)
        }
        var object = JSONObject()
        object["User"] = user.map { .string($0) }
        object["ExposedPorts"] = set(exposedPorts)
        object["Env"] = list(environment)
        object["Entrypoint"] = list(entrypoint)
        object["Cmd"] = list(command)
        object["Volumes"] = set(volumes)
        object["WorkingDir"] = workingDirectory.map { .string($0) }
        if !labels.isEmpty { object["Labels"] = .table(labels) }
        object["StopSignal"] = stopSignal.map { .string($0) }
        return object
    }
}

extension ImageConfiguration.History {
    fileprivate var members: JSONObject {
        var object = JSONObject()
        object["created"] = created.map { .string("\($0)") }
        object["created_by"] = createdBy.map { .string($0) }
        object["author"] = author.map { .string($0) }
        object["comment"] = comment.map { .string($0) }
        if isEmptyLayer { object["empty_layer"] = true }
        return object
    }
}
