internal import Bytes
internal import Host
package import SystemPackage

/// Where a bill of materials can be drawn up from, beside a package of a workspace.
package enum BillSource {
    /// The bill of what is at `path`: a folder with lock files or installed packages, a tar archive, an OCI layout
    /// as a folder, or a bill of materials as JSON.
    package static func bill(at path: FilePath) throws -> BillOfMaterials {
        guard let status = try Files.status(path) else {
            throw InventoryError(.absent, "there is no such file or folder", file: path.string)
        }
        let name = path.lastComponent?.string ?? path.string
        guard status.kind == .directory else {
            let head = try ByteReader(try OpenFile(reading: path)).read(1)
            if head == [UInt8(ascii: "{")] {
                return try BillOfMaterials(parsing: try Files.read(path, limit: 256 << 20))
            }
            let digest = try Files.digest(of: path).digest
            return try FoundFiles(archive: path).bill(of: .init(name: name, checksums: [.init("sha256", digest.hex)]))
        }
        if try Files.exists(path.appending("oci-layout")) { return try OCILayout(path).bill(name: name) }
        return try FoundFiles(in: path).bill(of: .init(name: name))
    }
}

/// The parts of an OCI image layout that a bill needs: one image's layers, each checked against its digest.
private struct OCILayout {
    let directory: FilePath

    init(_ directory: FilePath) { self.directory = directory }

    func bill(name: String) throws -> BillOfMaterials {
        var (manifest, digest) = try document(
            of: try first(JSON.document(try Files.read(directory.appending("index.json"), limit: 8 << 20))))
        // An index may lead to further ones; the first image counts, as for programs that pull without a platform.
        var depth = 0
        while manifest["manifests"] != nil {
            depth += 1
            guard depth < 8 else { throw InventoryError(.limit, "image indices nest too deep", file: directory.string) }
            (manifest, digest) = try document(of: try first(manifest))
        }
        var found = FoundFiles()
        for layer in try manifest.list("layers") {
            let path = try blob(of: layer)
            let (actual, _) = try Files.digest(of: path)
            guard actual == (try digestOf(layer)) else {
                throw InventoryError(.malformed, "the layer has another digest than its name says", file: path.string)
            }
            try found.add(archive: ByteReader(try OpenFile(reading: path)))
        }
        let purl = PackageURL(type: "oci", name: name.lowercased(), version: digest.description)
        return try found.bill(of: .init(name: name, purl: purl, checksums: [.init("sha256", digest.hex)]))
    }

    private func first(_ index: JSON) throws -> JSON {
        let all = try index.list("manifests")
        // Attestations that builders put beside images are no images.
        let images = all.filter { $0["annotations"]?["vnd.docker.reference.type"] == nil && $0["artifactType"] == nil }
        guard let first = images.first else {
            throw InventoryError(.absent, "the index has no image", file: directory.string)
        }
        return first
    }

    private func document(of descriptor: JSON) throws -> (JSON, Digest) {
        let path = try blob(of: descriptor)
        let bytes = try Files.read(path, limit: 8 << 20)
        let digest = try digestOf(descriptor)
        guard Digest.of(bytes) == digest else {
            throw InventoryError(.malformed, "the file has another digest than its name says", file: path.string)
        }
        return (try JSON.document(bytes), digest)
    }

    private func digestOf(_ descriptor: JSON) throws -> Digest {
        let text = try descriptor.requiredText("digest")
        guard text.hasPrefix("sha256:"), let digest = Digest(hex: text.dropFirst(7)) else {
            throw InventoryError(.unsupported, "\(text.safeForTerminal) is no SHA-256 digest", file: directory.string)
        }
        return digest
    }

    private func blob(of descriptor: JSON) throws -> FilePath {
        directory.pushing("blobs/sha256").appending(try digestOf(descriptor).hex)
    }
}
