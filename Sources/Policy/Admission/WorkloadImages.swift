internal import Bytes

/// The images of a Kubernetes object, and where in it they stand.
struct WorkloadImages: Sendable {
    struct Entry: Sendable {
        /// A JSON pointer (RFC 6901).
        let pointer: String
        let image: String
    }

    /// Where an object of each kind has its pod.
    private static let places: [String: [String]] = [
        "/pods": ["spec"], "/podtemplates": ["template", "spec"],
        "/replicationcontrollers": ["spec", "template", "spec"],
        "apps/replicasets": ["spec", "template", "spec"], "apps/deployments": ["spec", "template", "spec"],
        "apps/statefulsets": ["spec", "template", "spec"], "apps/daemonsets": ["spec", "template", "spec"],
        "batch/jobs": ["spec", "template", "spec"],
        "batch/cronjobs": ["spec", "jobTemplate", "spec", "template", "spec"],
    ]

    /// The path of the pod's specification; `nil` for kinds that are not known.
    static func place(group: String, resource: String) -> [String]? { places["\(group)/\(resource)"] }

    let entries: [Entry]

    /// All images of an object: of containers of each kind, and of volumes.
    ///
    /// A member that has another type than Kubernetes gives it is an error: what can't be read can't be admitted.
    init(of object: JSON, at place: [String]) throws(PolicyError) {
        var out: [Entry] = []
        var spec = object
        for (depth, name) in place.enumerated() {
            guard let next = spec[name], !next.isNull else {
                throw PolicyError("the object has no \(place[...depth].joined(separator: "."))")
            }
            spec = next
        }
        guard spec.objectValue != nil else { throw PolicyError("\(place.joined(separator: ".")) is \(spec.kind)") }
        let root = "/" + place.joined(separator: "/")
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            for (index, container) in try Self.list(spec, list).enumerated() {
                guard let image = container["image"], !image.isNull else {
                    // A manager may fill it in later; a container that runs has one.
                    throw PolicyError("\(list)[\(index)] has no image")
                }
                out.append(
                    Entry(
                        pointer: "\(root)/\(list)/\(index)/image",
                        image: try Self.text(image, "\(list)[\(index)].image")))
            }
        }
        for (index, volume) in try Self.list(spec, "volumes").enumerated() {
            guard let source = volume["image"], !source.isNull else { continue }
            guard let reference = source["reference"], !reference.isNull else {
                throw PolicyError("volumes[\(index)].image has no reference")
            }
            out.append(
                Entry(
                    pointer: "\(root)/volumes/\(index)/image/reference",
                    image: try Self.text(reference, "volumes[\(index)].image.reference")))
        }
        entries = out
    }

    private static func list(_ spec: JSON, _ name: String) throws(PolicyError) -> [JSON] {
        guard let value = spec[name], !value.isNull else { return [] }
        guard let list = value.arrayValue else { throw PolicyError("\(name) is \(value.kind); it should be an array") }
        guard list.count <= 1000 else { throw PolicyError("\(name) has more than 1000 entries") }
        return list
    }

    private static func text(_ value: JSON, _ name: String) throws(PolicyError) -> String {
        guard let text = value.stringValue, !text.isEmpty else { throw PolicyError("\(name) is no image") }
        return text
    }
}
