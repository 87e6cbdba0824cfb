package import Attest
internal import Host
package import Workspace

/// How a build is run, beside what is built.
package struct BuildOptions: Sendable {
    /// Steps that run at the same time.
    package var jobs: Int
    /// Leaves out every test step.
    package var dontTest = false
    /// Goes on with what does not need the package that failed.
    package var keepGoing = false
    /// Runs steps without walls.
    package var sandboxOff = false
    /// Runs every step again, whatever the cache has.
    package var ignoreCache = false
    /// Builds what a cached target was made from again where the cache lost what was said of it: somebody will read that.
    package var needsStatements = false
    /// Records which files steps read.
    package var traceInputs = false
    /// Wall-clock limit of each step that sets none itself, in seconds.
    package var timeLimit = 3600
    /// Signs what is said of each package, before it counts as built.
    package var signatures: StatementSignatures?
    /// The provenance that images carry inside, where another build's is to be taken: of a build that is made again, so
    /// that it can come out the same. It is, only as far as it says what this build says of artifacts and sources.
    package var provenanceInside: [PackageName: [UInt8]] = [:]
    /// Results of other machines; `nil` builds without.
    package var shared: (any SharedResults)?
    /// Artifacts that Leeway made of the same packages; `nil` builds without.
    package var foreign: (any ForeignResults)?
    /// The build service that this is a build of, for its statements.
    package var service: ProvenanceFacts.Service?
    /// Names of arguments whose values must not appear anywhere.
    package var secretArguments: [String] = []

    package init(jobs: Int = max(1, Machine.processorCount)) { self.jobs = jobs }
}
