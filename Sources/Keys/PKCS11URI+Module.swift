internal import Host
internal import SystemPackage

extension PKCS11URI {
    /// The directories in which systems install modules.
    private static let directories = [
        "/usr/lib/x86_64-linux-gnu/pkcs11", "/usr/lib/aarch64-linux-gnu/pkcs11", "/usr/lib64/pkcs11", "/usr/lib/pkcs11",
        "/usr/local/lib/pkcs11", "/usr/lib/softhsm", "/usr/lib/x86_64-linux-gnu/softhsm", "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib",
    ]

    /// The module's file: the URI's, found by its name, or `path`.
    func moduleFile(otherwise path: String?) throws(KeyError) -> FilePath {
        if let modulePath { return try existing(modulePath) }
        if let moduleName {
            for directory in Self.directories {
                for name in ["lib\(moduleName).so", "\(moduleName).so", moduleName] {
                    let file = FilePath(directory).appending(name)
                    if (try? Files.status(file))??.kind == .regular { return file }
                }
            }
            throw KeyError(
                .absent,
                "there is no PKCS #11 module called \(moduleName.debugDescription); name its file with module-path")
        }
        guard let path else {
            throw KeyError(
                .absent,
                "the PKCS #11 URI names no module; add ?module-path=/PATH/OF/MODULE.so, or set MARTLET_PKCS11_MODULE")
        }
        return try existing(FilePath(path))
    }

    /// The dynamic linker looks for relative names in places of its own, so a file must be there.
    private func existing(_ path: FilePath) throws(KeyError) -> FilePath {
        guard path.isAbsolute else {
            throw KeyError(.malformed, "the PKCS #11 module \(path) must be named by an absolute path")
        }
        guard (try? Files.status(path))??.kind == .regular else {
            throw KeyError(.absent, "there is no PKCS #11 module \(path); name its file with module-path")
        }
        return path
    }
}
