internal import Build

extension StepResult? {
    /// One stable word, for programs.
    var word: String {
        switch self {
        case .built: "built"
        case .cached: "cached"
        case .failed: "failed"
        case .skipped: "skipped"
        case nil: "unfinished"
        }
    }
}
