internal import Host
package import SystemPackage

/// Third-party test data, which is no part of martlet: the folder that `MARTLET_DATA` names, else `../shared/data`
/// beside the package.
package enum TestData {
    /// The folder called `name`; `nil` where it is absent, and the test that wants it is then skipped.
    package static func folder(_ name: String) -> FilePath? {
        let root = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
        let parent =
            ChildProcess.environmentVariable("MARTLET_DATA").map { FilePath($0) }
            ?? root.removingLastComponent().appending("shared").appending("data")
        let folder = parent.appending(name)
        return (try? Files.exists(folder)) == true ? folder : nil
    }

    /// What a skipped test prints.
    package static let absence: String = "the test data is absent; MARTLET_DATA names its folder"
}
