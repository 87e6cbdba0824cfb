internal import Bytes
internal import Host
internal import Sandbox
internal import SystemPackage

/// What a trial of the strongest walls said, kept for as long as nothing has changed that it depended on: a trial costs
/// as much as a step.
struct KeptTrial {
    private let file: FilePath
    private let circumstances: String

    /// - Parameters:
    ///   - file: where it is kept.
    ///   - scratch: where steps run.
    init(file: FilePath, bubblewrap: FilePath, scratch: FilePath) throws {
        self.file = file
        let program = try Files.status(bubblewrap)
        circumstances = try [
            // Settings of the kernel may be others after a start.
            Files.readText("/proc/sys/kernel/random/boot_id", limit: 100).filter { $0 != "\n" },
            Machine.kernelRelease, "\(Machine.effectiveUserID)",
            "\(program.map { "\($0.inode) \($0.size) \($0.modified)" } ?? "")",
            "\((try Files.status(scratch)).map { "\($0.device)" } ?? "")",
        ].joined(separator: "|")
    }

    /// The finding, if it was that the walls are as strong as they can be.
    func load() -> Sandbox.Finding? {
        guard let bytes = try? Files.read(file, limit: 1 << 12), let json = try? JSON(parsing: bytes),
            json["circumstances"]?.stringValue == circumstances, let hasOwnUser = json["hasOwnUser"]?.boolValue
        else { return nil }
        return Sandbox.Finding(level: .full, hasOwnUser: hasOwnUser)
    }

    /// A weaker one is not kept: whoever mends the machine need not know of this file.
    func keep(_ finding: Sandbox.Finding) {
        guard finding.level == .full, let hasOwnUser = finding.hasOwnUser else { return }
        let json: JSON = ["circumstances": .string(circumstances), "hasOwnUser": .bool(hasOwnUser)]
        try? Files.write(json.bytes(indented: true) + [0x0A], to: file)
    }

    func forget() { try? Files.remove(file) }
}
