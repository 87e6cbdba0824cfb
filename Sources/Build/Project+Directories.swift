package import SystemPackage
internal import Workspace

extension Project {
    /// Where a component's files are.
    package func directory(of component: String) -> FilePath {
        component == "//" ? workspace.root : workspace.root.appending(component)
    }
}
