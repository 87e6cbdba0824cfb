package import SystemPackage

/// One command to run with declared inputs only: everything that the command can see is listed here.
package struct SandboxRequest: Sendable {
    /// What is put at a place of the command's file tree. Later mounts lie over earlier ones.
    package enum Mount: Hashable, Sendable {
        /// A file or directory of the host, which the command can read but not change.
        case readOnly(FilePath, at: String)
        /// A directory of the host, which the command can change.
        case writable(FilePath, at: String)
        /// `lower` as it is, with every change going to the directory `upper`; `work` is an empty directory on the
        /// same file system as `upper`.
        case overlay(lower: FilePath, upper: FilePath, work: FilePath, at: String)
        /// An empty directory in memory of at most `byteLimit` bytes.
        case temporary(at: String, byteLimit: Int)
        /// A file with these bytes, which the command can read but not change.
        case file([UInt8], at: String)
        /// A symbolic link.
        case link(to: String, at: String)
    }

    /// What the command can reach of the network.
    package enum Network: String, Hashable, Sendable {
        /// Nothing but a loopback interface of its own.
        case none
        /// The host's network: for declared fetch steps only.
        case host
    }

    /// Bounds that end the command when it passes one of them.
    package struct Limits: Hashable, Sendable {
        /// Wall-clock time from start to end.
        package var time: Duration
        /// Memory of all its processes together, in bytes.
        package var memory: Int
        /// Processes and threads at one moment.
        package var processes: Int
        /// Bytes of one file that it writes.
        package var fileSize: Int
        /// Bytes of standard output and standard error together; they are kept in the outcome.
        package var output: Int

        package init(
            time: Duration = .seconds(3600), memory: Int = 8 << 30, processes: Int = 4096, fileSize: Int = 16 << 30,
            output: Int = 16 << 20
        ) {
            self.time = time
            self.memory = memory
            self.processes = processes
            self.fileSize = fileSize
            self.output = output
        }
    }

    /// The program, as an absolute path or a name looked up in the request's own `PATH`, and its arguments.
    package var command: [String]
    /// The whole environment of the command; nothing is inherited.
    package var environment: [String: String]
    /// Where the command starts, as an absolute path of its own file tree.
    package var workingDirectory: String
    /// What the command sees beside the tool roots, `/proc`, `/dev` and a private `/tmp`, in order.
    package var mounts: [Mount]
    /// Host directories, and files, with programs and libraries that every command may read, at the same path.
    package var toolRoots: [FilePath]
    package var network: Network
    package var limits: Limits
    /// Whether to record which files the command opened or looked for.
    package var traceInputs: Bool

    package init(
        command: [String], environment: [String: String] = [:], workingDirectory: String = "/build",
        mounts: [Mount] = [], toolRoots: [FilePath] = [], network: Network = .none, limits: Limits = Limits(),
        traceInputs: Bool = false
    ) {
        self.command = command
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.mounts = mounts
        self.toolRoots = toolRoots
        self.network = network
        self.limits = limits
        self.traceInputs = traceInputs
    }
}
