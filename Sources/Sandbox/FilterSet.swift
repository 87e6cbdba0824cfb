import Synchronization

/// The filters that runs need, each assembled once.
final class FilterSet: Sendable {
    /// A filter as the kernel gets it, and as martlet understands what it passes on.
    struct Filter {
        var rules: [SystemCallRule]
        var program: FilterProgram
    }

    private struct Need: Hashable {
        var network: SandboxRequest.Network
        var traceInputs: Bool
    }

    /// Guards the filters made so far.
    private let made = Mutex<[Need: Filter]>([:])

    func filter(network: SandboxRequest.Network, traceInputs: Bool) -> Filter {
        let need = Need(network: network, traceInputs: traceInputs)
        return made.withLock { made in
            if let known = made[need] { return known }
            let rules = SystemCallRule.rules(network: network, traceInputs: traceInputs)
            let filter = Filter(
                rules: rules, program: FilterProgram(rules, architecture: .current, notifies: true))
            made[need] = filter
            return filter
        }
    }
}
