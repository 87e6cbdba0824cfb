extension FaceKind {
    /// All services that martlet has, each after those that it uses.
    package static let all: [FaceKind] = [
        .registry, .log, .witness, .identity, .certificates, .timestamps, .trust, .admission, .builds, .explorer,
    ]
}
