import Testing
import Workspace

struct DiagnosticDigestTests {
    @Test("errors are all shown, warnings up to a limit unless more is asked for")
    func digest() {
        let place = SourceLocation(file: "a/BUILD.yaml", line: 3)
        let warnings = (0..<12).map { Diagnostic(.warning, "w\($0)", at: place) }
        let errors = (0..<12).map { Diagnostic(.error, "e\($0)", at: place, remedy: "do it") }
        let digest = DiagnosticDigest(warnings + errors, isVerbose: false)
        #expect(digest.lines.count == 10 + 12 + 1)
        #expect(digest.lines.last == "2 more warnings; -v shows them")
        #expect(digest.lines.contains("a/BUILD.yaml:3: error: e11; do it"))
        #expect(DiagnosticDigest(warnings + errors, isVerbose: true).lines.count == 24)
        #expect(DiagnosticDigest([], isVerbose: false).lines.isEmpty)
    }
}
