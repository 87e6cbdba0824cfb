/// Where results are shared: `remoteCache` under `martlet:` in `WORKSPACE.yaml`.
package struct RemoteCacheSettings: Hashable, Sendable {
    /// A namespace that is read, and the policy that says whose entries in it are believed.
    package struct Reading: Hashable, Sendable {
        package var namespace = ""
        /// A file, relative to the workspace's root.
        package var policy = ""
    }

    /// Leeway's own remote cache, and whose attestations in it are believed.
    package struct Leeway: Hashable, Sendable {
        /// Empty where there is none.
        package var url = ""
        /// A file, relative to the workspace's root.
        package var policy = ""
    }

    /// Empty where there is none.
    package var url = ""
    /// Where this workspace's results go; empty for the usual one.
    package var namespace = ""
    /// The policy of that namespace; empty where it is not read.
    package var policy = ""
    package var reads: [Reading] = []
    package var leeway = Leeway()

    package init() {}

    init(_ node: YAMLNode, _ reader: inout YAMLReader) {
        for (key, value, keyNode) in reader.fields(node, "remoteCache") ?? [] {
            switch key {
            case "url": url = reader.string(value, key)
            case "namespace": namespace = reader.string(value, key)
            case "policy": policy = reader.string(value, key)
            case "reads": reads = reader.nodes(value, key).map { Self.reading($0, &reader) }
            case "leeway": leeway = Self.leeway(value, &reader)
            default:
                reader.report(
                    .error, "unknown key '\(key)' in remoteCache", at: keyNode,
                    remedy: "use url, namespace, policy, reads or leeway")
            }
        }
    }

    private static func leeway(_ node: YAMLNode, _ reader: inout YAMLReader) -> Leeway {
        var leeway = Leeway()
        for (key, value, keyNode) in reader.fields(node, "leeway") ?? [] {
            switch key {
            case "url": leeway.url = reader.string(value, key)
            case "policy": leeway.policy = reader.string(value, key)
            default: reader.report(.error, "unknown key '\(key)' in leeway", at: keyNode, remedy: "use url and policy")
            }
        }
        if leeway.url.isEmpty || leeway.policy.isEmpty {
            reader.report(
                .error, "leeway has no url or no policy", at: node,
                remedy: "say where its objects are, and whose attestations are believed")
        }
        return leeway
    }

    private static func reading(_ node: YAMLNode, _ reader: inout YAMLReader) -> Reading {
        var reading = Reading()
        for (key, value, keyNode) in reader.fields(node, "an entry of reads") ?? [] {
            switch key {
            case "namespace": reading.namespace = reader.string(value, key)
            case "policy": reading.policy = reader.string(value, key)
            default:
                reader.report(
                    .error, "unknown key '\(key)' in an entry of reads", at: keyNode,
                    remedy: "use namespace and policy")
            }
        }
        if reading.namespace.isEmpty || reading.policy.isEmpty {
            reader.report(
                .error, "an entry of reads has no namespace or no policy", at: node,
                remedy: "say what is read, and whose entries are believed")
        }
        return reading
    }
}
