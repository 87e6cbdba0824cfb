import Build
import Cache
import Git
import Host
import Sigstore
import Testing
import Workspace

@testable import martlet

struct FailureTests {
    @Test("errors have the exit codes of the design")
    func codes() {
        #expect(Failure.status(of: BuildError(.configuration, "x")) == 2)
        #expect(Failure.status(of: BuildError(.step, "x")) == 1)
        #expect(Failure.status(of: BuildError(.unavailable, "x")) == 3)
        #expect(Failure.status(of: WorkspaceError(.noWorkspace, "x")) == 2)
        #expect(Failure.status(of: GitError(.unknownRevision, "x")) == 2)
        #expect(Failure.status(of: GitError(.failed, "x")) == 3)
        #expect(Failure.status(of: HostError(.system, "x")) == 3)
        #expect(Failure.status(of: SigstoreError(.refused, "x")) == 1)
        #expect(Failure.status(of: SigstoreError(.expired, "x")) == 1)
        #expect(Failure.status(of: SigstoreError(.unreachable, "x")) == 3)
        #expect(Failure.status(of: SigstoreError(.malformed, "x")) == 2)
        #expect(Failure.status(of: CancellationError()) == nil)
    }

    @Test("cause and remedy are a line each")
    func lines() {
        #expect(Failure.lines("no such thing; make it; soon") == "no such thing\n  make it; soon")
        #expect(Failure.lines("no such thing") == "no such thing")
    }
}
