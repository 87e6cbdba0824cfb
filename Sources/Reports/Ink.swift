package import Host

/// Colours for a terminal, or none.
package struct Ink: Sendable {
    /// The meanings that martlet colours.
    package enum Tone: String, Sendable {
        case good = "32"
        case busy = "33"
        case bad = "31"
        case quiet = "90"
        case strong = "1"
    }

    /// Whether colours are used at all.
    package var isColored: Bool

    package init(isColored: Bool) {
        self.isColored = isColored
    }

    /// Uses colours on a terminal, unless `NO_COLOR` is set to anything (no-color.org) or the terminal is `dumb`.
    package init(isTerminal: Bool, environment: [String: String]) {
        isColored = isTerminal && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
    }

    /// Uses colours where `screen` is a terminal that shows them.
    package init(for screen: Terminal) {
        self.init(isTerminal: screen.isTerminal, environment: ProcessEnvironment.variables)
    }

    /// `text` in `tone`.
    package func callAsFunction(_ tone: Tone, _ text: String) -> String {
        isColored && !text.isEmpty ? "\u{1b}[\(tone.rawValue)m\(text)\u{1b}[0m" : text
    }
}
