package import Host

/// Chooses how a build is shown.
package enum ConsoleReport {
    /// The progress display where there is a terminal that can show it, plain lines everywhere else: in pipes, in CI
    /// (whose log viewers are no terminals even when they say so), and on `TERM=dumb`.
    package static func report(on terminal: Terminal, environment: [String: String]) -> any BuildReport {
        let isCI = !["", "0", "false"].contains(environment["CI", default: ""])
        let term = environment["TERM", default: ""]
        guard terminal.isTerminal, !isCI, term != "", term != "dumb" else {
            return PlainReport(to: terminal, environment: environment)
        }
        return ProgressDisplay(screen: terminal, ink: Ink(isTerminal: true, environment: environment))
    }
}
