"""Checks saved archives and bundles with code that knows nothing of martlet: formats from their standards alone."""

import base64
import gzip
import hashlib
import json
import pathlib
import subprocess
import sys
import tarfile

from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2

BUNDLE = "./provenance-bundle.jsonl"
passed = 0


def check(condition, what):
    global passed
    if not condition:
        sys.exit(f"interop: FAILED: {what}")
    passed += 1
    print(f"ok: {what}")


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def digest_message(data_digest, size):
    return field(1, data_digest.encode()) + (varint(2 << 3) + varint(size) if size else b"")


def directory_digest(members):
    """The Remote Execution API's digest of a directory: {name: bytes-with-mode | link target | dict}."""
    files, directories, links = [], [], []
    for name in sorted(members, key=str.encode):
        node = members[name]
        if isinstance(node, dict):
            digest, size = directory_digest(node)
            directories.append(field(1, name.encode()) + field(2, digest_message(digest, size)))
        elif isinstance(node, str):
            links.append(field(1, name.encode()) + field(2, node.encode()))
        else:
            content, executable = node
            encoded = field(1, name.encode()) + field(2, digest_message(sha256(content), len(content)))
            files.append(encoded + (varint(4 << 3) + b"\x01" if executable else b""))
    message = b"".join(field(1, f) for f in files) + b"".join(field(2, d) for d in directories)
    message += b"".join(field(3, link) for link in links)
    return sha256(message), len(message)


def members_of(path):
    """The tree in an archive, the bundle left out, and the bundle."""
    tree, bundle = {}, None
    with tarfile.open(path) as archive:
        for member in archive:
            parts = [part for part in member.name.split("/") if part not in ("", ".")]
            check_plain(member)
            if not parts:
                continue
            place = tree
            for part in parts[:-1]:
                place = place.setdefault(part, {})
            if member.isdir():
                place.setdefault(parts[-1], {})
            elif member.issym():
                place[parts[-1]] = member.linkname
            else:
                content = archive.extractfile(member).read()
                if member.name == BUNDLE:
                    bundle = content
                else:
                    place[parts[-1]] = (content, member.mode & 0o100 != 0)
    return tree, bundle


def check_plain(member):
    if (member.uid, member.gid, member.uname, member.gname) != (0, 0, "", ""):
        sys.exit(f"interop: FAILED: {member.name} has an owner")


def statements(bundle):
    for line in bundle.splitlines():
        if line:
            envelope = json.loads(line)
            yield envelope, json.loads(base64.b64decode(envelope["payload"], validate=True))


def main(work):
    for suffix in ("tar", "tar.gz", "tar.zst"):
        embedded, bare = work / f"embedded.{suffix}", work / f"bare.{suffix}"
        if suffix == "tar.zst":
            for path in (embedded, bare):
                subprocess.run(["zstd", "-q", "-d", "-k", "-f", path, "-o", f"{path}.unpacked"], check=True)
            embedded_tar, bare_tar = pathlib.Path(f"{embedded}.unpacked"), pathlib.Path(f"{bare}.unpacked")
        else:
            embedded_tar, bare_tar = embedded, bare
        tree, bundle = members_of(embedded_tar)
        bare_tree, nothing = members_of(bare_tar)
        check(bundle is not None and nothing is None, f"{suffix}: the bundle is inside, or beside")
        check(tree == bare_tree, f"{suffix}: Python reads the same files from both")
        check(embedded.read_bytes().endswith(bare.read_bytes()), f"{suffix}: the rest is the bare archive")
        listed = subprocess.run(["tar", "-Oxf", embedded, BUNDLE], check=True, capture_output=True).stdout
        check(listed == bundle, f"{suffix}: GNU tar finds the bundle")
        target = list(statements(bundle))[-1][1]
        subjects = [subject["digest"]["sha256"] for subject in target["subject"]]
        check(sha256(bare.read_bytes()) in subjects, f"{suffix}: sha256sum of the bare archive is a subject")
        check(directory_digest(tree)[0] == subjects[0], f"{suffix}: the first subject is the tree of its files")
        sidecar = pathlib.Path(f"{bare}.provenance.jsonl").read_bytes()
        check(sidecar == bundle, f"{suffix}: the sidecar is the same bundle")

    gzip.decompress((work / "embedded.tar.gz").read_bytes())
    subprocess.run(["gzip", "-t", work / "embedded.tar.gz"], check=True)
    check(True, "gzip accepts the stream with two members")

    for envelope, statement in statements((work / "bare.tar.gz.provenance.jsonl").read_bytes()):
        check(envelope["payloadType"] == "application/vnd.in-toto+json", "the payload is an in-toto statement")
        json_format.ParseDict(statement, statement_pb2.Statement())
        provenance = json_format.ParseDict(statement["predicate"], provenance_pb2.Provenance())
        check(provenance.build_definition.build_type != "", "in-toto's own classes read statement and provenance")
    for _, statement in statements((work / "leeway.tar.gz.provenance.jsonl").read_bytes()):
        check(statement["_type"] == "https://in-toto.io/Statement/v0.1", "the Leeway format has statement v0.1")
        check(statement["predicateType"] == "https://slsa.dev/provenance/v0.2", "and provenance v0.2")
    print(f"interop: {passed} passed, 0 failed")


main(pathlib.Path(sys.argv[1]))
