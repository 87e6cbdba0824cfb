internal import Bytes
internal import Workspace

/// Which Kubernetes objects a policy is about (ClusterImagePolicy, `spec.match`).
package struct ResourceMatch: Sendable {
    /// Plural names, such as `deployments`; `*` for all.
    package var group: String
    package var version: String
    package var resource: String
    /// Labels that the object must have.
    package var labels: [String: String]
    package var expressions: [Requirement]

    package struct Requirement: Sendable {
        package var key: String
        package var operation: String
        package var values: [String]
    }

    static func read(_ fields: PolicyFields, _ key: String) throws(PolicyError) -> [ResourceMatch] {
        var out: [ResourceMatch] = []
        for entry in try fields.objects(key, keys: ["group", "version", "resource", "selector"]) {
            var match = ResourceMatch(
                group: try entry.text("group") ?? "", version: try entry.text("version") ?? "*",
                resource: try entry.text("resource") ?? "*", labels: [:], expressions: [])
            if let selector = try entry.object("selector", keys: ["matchLabels", "matchExpressions"]) {
                for member in try selector.object("matchLabels", keys: nil)?.all ?? [] {
                    match.labels[member.key] = try selector.text(member.value, selector.name(member.key))
                }
                for item in try selector.objects("matchExpressions", keys: ["key", "operator", "values"]) {
                    let operation = try item.requiredText("operator")
                    guard ["In", "NotIn", "Exists", "DoesNotExist"].contains(operation) else {
                        throw item.failure(
                            "operator", "is \(operation.safeForTerminal)", "known are In, NotIn, Exists, DoesNotExist")
                    }
                    match.expressions.append(
                        Requirement(
                            key: try item.requiredText("key"), operation: operation, values: try item.texts("values")))
                }
            }
            out.append(match)
        }
        return out
    }

    /// Whether an object is meant.
    package func matches(group: String, version: String, resource: String, labels: [String: String]) -> Bool {
        guard self.group == "*" || self.group == group,
            self.version == "*" || self.version.isEmpty || self.version == version,
            self.resource == "*" || self.resource == resource
        else { return false }
        guard self.labels.allSatisfy({ labels[$0.key] == $0.value }) else { return false }
        return expressions.allSatisfy { requirement in
            let value = labels[requirement.key]
            switch requirement.operation {
            case "In": return value.map(requirement.values.contains) ?? false
            case "NotIn": return value.map { !requirement.values.contains($0) } ?? true
            case "Exists": return value != nil
            default: return value == nil
            }
        }
    }
}
