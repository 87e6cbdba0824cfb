internal import Build
internal import Workspace

/// The lines that Leeway appends to the file `GITHUB_OUTPUT`: `name=true` or `name=false` for each package that was
/// built or failed, under its file-system-safe name.
package enum GitHubOutput {
    /// The lines to append.
    package static func render(_ record: BuildRecord) -> [UInt8] {
        var out = ""
        for entry in record.packages where entry.status == .built || entry.status == .failed {
            let name = entry.plan.name.fileSystemSafe
            // A name that could be read as another line or as the multi-line form must not set outputs of its choice.
            guard !name.contains(where: { $0 == "=" || $0 == "<" || $0.isNewline || $0.isWhitespace }),
                PrintableText.name(name) == name
            else { continue }
            out += "\(name)=\(entry.status == .built)\n"
        }
        return Array(out.utf8)
    }
}
