"""Images and packages that are built again, single files of images, and images with what other packages built.

Usage: rebuild.py MARTLET FOLDER IMAGES. IMAGES is the folder of images.py with its archive, definitions and locks. What goes
over the network is counted by a proxy between martlet and the registry of `martlet serve`."""
import gzip
import hashlib
import http.client
import http.server
import io
import json
import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
import time
import zlib

MARTLET, WORK, IMAGES = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3]).resolve()
ENVIRONMENT = os.environ | {"HOME": str(WORK / "home"), "MARTLET_KEY_PASSWORD": "open sesame",
                            "MARTLET_CACHE_DIR": str(WORK / "cache"), "GIT_CONFIG_GLOBAL": "/dev/null"}
ENVIRONMENT.pop("SOURCE_DATE_EPOCH", None)
passed = 0


def check(condition, what):
    global passed
    if not condition:
        sys.exit(f"interop: FAILED: {what}")
    passed += 1


def run(*command, status=0, directory=WORK, environment=None):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=directory,
                          env=ENVIRONMENT | (environment or {}), check=False)
    if status is not None and done.returncode != status:
        sys.exit(f"interop: {' '.join(map(str, command))} ended with {done.returncode}, not {status}:\n"
                 f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def martlet(*arguments, **options):
    return run(MARTLET, *arguments, **options)


class Registry:
    """The registry of `martlet serve` on a free port."""

    def __init__(self, name, *options):
        self.process = subprocess.Popen(
            [MARTLET, "serve", "--data", WORK / name, "--listen", "127.0.0.1:0", "--only", "registry", *options],
            stdout=subprocess.PIPE, stderr=open(WORK / f"{name}.log", "ab"), text=True, env=ENVIRONMENT)
        line = self.process.stdout.readline()
        check(line.startswith("martlet serves at "), f"the registry serves: {line}")
        self.host = line.split()[3].split("//")[1].rstrip("/")
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


class Wire:
    """Hands bytes on to a registry, and counts those that go there and those that come."""

    def __init__(self, target):
        name, port = target.split(":")
        self.target, self.sent, self.received = (name, int(port)), 0, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(self.target)
            threading.Thread(target=self.hand, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self.hand, args=(server, client, False), daemon=True).start()

    def hand(self, one, other, counts):
        try:
            while data := one.recv(1 << 16):
                other.sendall(data)
                if counts:
                    self.sent += len(data)
                else:
                    self.received += len(data)
        except OSError:
            pass
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Counter(http.server.ThreadingHTTPServer):
    """Hands requests on, and counts them and the bytes of their answers."""

    def __init__(self, target):
        counter = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                connection = http.client.HTTPConnection(target, timeout=60)
                connection.request(self.command, self.path, headers=dict(self.headers))
                answer = connection.getresponse()
                content = answer.read()
                connection.close()
                counter.requests.append((self.command, self.path, self.headers.get("Range"), len(content)))
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "connection"):
                        self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.requests = []
        self.host = f"127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


def blob(layout, digest):
    return (layout / "blobs" / digest.replace(":", "/")).read_bytes()


def put(layout, content):
    digest = hashlib.sha256(content).hexdigest()
    (layout / "blobs/sha256" / digest).write_bytes(content)
    return f"sha256:{digest}"


def manifest(layout, tag="latest"):
    entries = json.loads((layout / "index.json").read_text())["manifests"]
    entry = next(e for e in entries if e.get("annotations", {}).get("org.opencontainers.image.ref.name") == tag)
    return entry["digest"], json.loads(blob(layout, entry["digest"]))


def files(registry, counter):
    """/etc/passwd of a cc image: by its index, by tables in layers, and in full. One amd64 image each."""
    definition = IMAGES / "definitions/cc.yaml"
    contents = {}
    for name, options in {"plain": [], "indexed": ["--path-index"], "estargz": ["--compression", "estargz"],
                          "both": ["--compression", "estargz", "--path-index"],
                          "chunked": ["--compression", "zstd:chunked"]}.items():
        martlet("image", "build", definition, "--cache-dir", IMAGES / "cache", "--offline", "--variant", "latest",
                "--architecture", "amd64", "--push", f"{registry.host}/team/{name}:1", "--output", f"oci:{name}:1",
                *options)
        rows = []
        for path in ["etc/passwd", "var/lib/dpkg/status.d/libc6", "usr/lib/x86_64-linux-gnu/libssl.so.3"]:
            counter.requests.clear()
            martlet("oci", "fetch", "file", f"{counter.host}/team/{name}:1", path, "-o", "one")
            content = (WORK / "one").read_bytes()
            check(contents.setdefault(path, content) == content, f"{name}: {path} is the same")
            rows.append(f"{path.split('/')[-1]} {len(counter.requests)} requests, "
                        f"{sum(request[3] for request in counter.requests)} bytes")
            if name in ("indexed", "both"):
                check(len(counter.requests) <= 5, f"{name}: {path} takes 5 requests at most: {counter.requests}")
            if path == "etc/passwd":
                # Of eStargz the manifest has a line more for each layer.
                most = {"indexed": 8192, "both": 12288}.get(name, 1 << 20)
                count = sum(request[3] for request in counter.requests)
                check(count <= most, f"{name}: /etc/passwd takes {count} bytes: {counter.requests}")
        print(f"  {name}: {'; '.join(rows)}")
    check(contents["etc/passwd"].startswith(b"root:x:0:0:"), "it is the file")
    martlet("oci", "copy", "--with-referrers", f"{registry.host}/team/both:1", "oci:kept:1")
    martlet("oci", "fetch", "file", "oci:kept:1", "etc/passwd", "-o", "one")
    check((WORK / "one").read_bytes() == contents["etc/passwd"], "a copy with referrers keeps the index")
    print("one file of an image takes a few requests and kilobytes")


def seekable():
    """eStargz as its specification has it, read by nothing of ours; skopeo and umoci take it for gzip."""
    _, image = manifest(WORK / "estargz", "1")
    config = json.loads(blob(WORK / "estargz", image["config"]["digest"]))
    count = 0
    for layer, diff in zip(image["layers"], config["rootfs"]["diff_ids"]):
        content = blob(WORK / "estargz", layer["digest"])
        unpacked = gzip.decompress(content)
        check(f"sha256:{hashlib.sha256(unpacked).hexdigest()}" == diff, "an eStargz layer unpacks to its diff id")
        footer = content[-51:]
        check(footer[:4] == b"\x1f\x8b\x08\x04" and footer[10:16] == b"\x1a\x00SG\x16\x00" and
              footer[32:38] == b"STARGZ" and gzip.decompress(footer) == b"", "the footer is an empty member")
        start = int(footer[16:32], 16)
        table = tarfile.open(fileobj=io.BytesIO(gzip.decompress(content[start:-51])))
        member = table.next()
        check(member.name == "stargz.index.json", "the table is the archive's last file")
        text = table.extractfile(member).read()
        check(layer["annotations"]["containerd.io/snapshot/stargz/toc.digest"] ==
              f"sha256:{hashlib.sha256(text).hexdigest()}", "the table's digest is in the manifest")
        whole = tarfile.open(fileobj=io.BytesIO(unpacked))
        for entry in json.loads(text)["entries"]:
            if entry["type"] != "reg" or not entry.get("size"):
                continue
            part = zlib.decompressobj(31).decompress(content[entry["offset"]:])[: entry["size"]]
            check(entry["chunkDigest"] == f"sha256:{hashlib.sha256(part).hexdigest()}", f"{entry['name']} at its offset")
            check(whole.extractfile(entry["name"]).read() == part, f"{entry['name']} is the archive's")
            count += 1
    run("skopeo", "copy", "-q", "oci:estargz:1", "oci:from-estargz:1")
    run("umoci", "unpack", *([] if os.getuid() == 0 else ["--rootless"]), "--image", "estargz:1", "unpacked")
    check((WORK / "unpacked/rootfs/etc/passwd").exists(), "umoci unpacks eStargz")
    run("skopeo", "copy", "-q", "oci:chunked:1", "oci:from-chunked:1")
    if shutil.which("podman") and os.getuid() == 0:
        storage = ["--root", WORK / "storage", "--runroot", WORK / "runroot", "--storage-driver", "vfs"]
        for name in ["estargz", "chunked"]:
            pulled = run("podman", *storage, "pull", "-q", f"oci:{name}:1").strip()
            place = run("podman", *storage, "image", "mount", pulled).strip()
            check((pathlib.Path(place) / "etc/passwd").read_text().startswith("root:"), f"podman unpacks {name}")
            run("podman", *storage, "image", "unmount", pulled)
    print(f"{count} files are where eStargz' tables say, and others unpack eStargz and zstd:chunked")


def images(registry):
    """Building an image again from its definition, and telling what a tampered one has otherwise."""
    definition = IMAGES / "definitions/static.yaml"
    reference = f"{registry.host}/team/static:1"
    martlet("image", "build", definition, "--cache-dir", IMAGES / "cache", "--offline", "--variant", "latest", "--push",
            reference, "--provenance", "statement.json", "--path-index")
    martlet("key", "generate", "--output", "signer")
    martlet("key", "generate", "--output", "other")
    (WORK / "predicate.json").write_text(json.dumps(json.loads((WORK / "statement.json").read_text())["predicate"]))
    martlet("attest", reference, "--predicate", "predicate.json", "--type", "slsaprovenance1", "--key", "signer.key")
    # Packages come from the cache of the first build; layers are made anew.
    again = {"MARTLET_CACHE_DIR": str(WORK / "again")}
    (WORK / "again").mkdir()
    shutil.copytree(IMAGES / "cache", WORK / "again/images", ignore=shutil.ignore_patterns("layers"))
    rebuild = ["rebuild", "--definition", definition, "--key", "signer.pub"]
    report = json.loads(martlet(*rebuild, reference, "--sign", "other.key", "--json", environment=again))
    check(report["verdict"] == "equal" and report["differences"] == [], "an image comes out the same")
    martlet("verify-attestation", reference, "--key", "other.pub", "--type", "https://slsa.dev/verification_summary/v1")
    martlet("rebuild", "--definition", definition, "--key", "other.pub", reference, status=1, environment=again)
    changed = WORK / "changed.yaml"
    changed.write_text(definition.read_text() + "\nlabels: {a: b}\n")
    (WORK / "changed.lock.json").write_bytes(definition.with_suffix(".lock.json").read_bytes())
    martlet("rebuild", "--definition", changed, "--key", "signer.pub", reference, status=1, environment=again)

    # Somebody puts another file into the topmost layer of the amd64 image.
    martlet("oci", "copy", reference, "oci:evil:1")
    layout = WORK / "evil"
    digest, index = manifest(layout, "1")
    image = json.loads(blob(layout, index["manifests"][0]["digest"]))
    layer = io.BytesIO(gzip.decompress(blob(layout, image["layers"][-1]["digest"])))
    with tarfile.open(fileobj=layer, mode="a") as archive:
        member = tarfile.TarInfo("etc/evil.conf")
        member.size = 4
        archive.addfile(member, io.BytesIO(b"evil"))
    packed = gzip.compress(layer.getvalue(), mtime=0)
    image["layers"][-1] |= {"digest": put(layout, packed), "size": len(packed)}
    image["annotations"] = {}
    content = json.dumps(image).encode()
    index["manifests"][0] |= {"digest": put(layout, content), "size": len(content)}
    content = json.dumps(index).encode()
    entries = {"schemaVersion": 2, "manifests": [
        {"mediaType": index["mediaType"], "digest": put(layout, content), "size": len(content),
         "annotations": {"org.opencontainers.image.ref.name": "1"}}]}
    (layout / "index.json").write_text(json.dumps(entries))
    evil = f"{registry.host}/team/evil:1"
    martlet("oci", "copy", "oci:evil:1", evil)
    martlet(*rebuild, evil, status=1, environment=again)
    # The provenance of the good one says what to build.
    line = martlet("verify-attestation", reference, "--key", "signer.pub", "--type", "slsaprovenance1").splitlines()[0]
    (WORK / "bundle.json").write_text(line)
    report = json.loads(martlet(*rebuild, evil, "--bundle", "bundle.json", "--json", "--sign", "other.key", status=1,
                                environment=again))
    named = [file["path"] for part in report["differences"] for file in part["files"]]
    check(report["verdict"] == "different" and "etc/evil.conf" in named, f"the file is named: {report}")
    check("etc/evil.conf" in martlet(*rebuild, evil, "--bundle", "bundle.json", status=1, environment=again),
          "and people are told")
    print("images are built again, and a tampered layer's file is named")


def commit(place):
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    if not (place / ".git").exists():
        run(*git, "init", "-q", "-b", "main", ".", directory=place)
    run(*git, "add", "-A", directory=place)
    run(*git, "commit", "-qm", "a change", directory=place)


def packages(registry):
    """Archives of packages, built again; images of packages with Debian packages below what was built."""
    team = WORK / "team"
    (team / "app").mkdir(parents=True)
    (team / "image").mkdir()
    (team / "WORKSPACE.yaml").write_text("martlet: {}\n")
    (team / "app/BUILD.yaml").write_text(
        "packages:\n- name: app\n  type: generic\n  srcs: [in.txt]\n"
        "  config:\n    commands: [[sh, -c, 'mkdir bin; cp in.txt bin/app; chmod 755 bin/app; rm in.txt']]\n")
    (team / "app/in.txt").write_text("#!/bin/sh\necho hello\n")
    definitions = sorted((IMAGES / "definitions").glob("*.yaml"))
    for file in definitions:
        shutil.copy(file, team / "image" / file.name)
    for file in team.glob("image/*.yaml"):
        file.write_text(file.read_text().replace("file:../mirror", f"file:{IMAGES / 'mirror'}"))
    (team / "image/image.yaml").write_text(
        "name: app\nextends: base.yaml\narchitectures: [amd64]\nfiles: [{path: /app, source: app}]\nentry_point: [/app/bin/app]\n")
    martlet("image", "lock", team / "image/image.yaml")
    sources = ", ".join(file.name for file in sorted((team / "image").glob("*.yaml")))
    (team / "image/BUILD.yaml").write_text(
        f"packages:\n- name: image\n  type: image\n  srcs: [{sources}]\n  deps: ['app:app']\n  layout: {{'app:app': app}}\n"
        "  config: {lock: image.lock.json, provenance: app/provenance-bundle.jsonl, compression: estargz}\n")
    commit(team)
    sign = ["--sign", "--key", WORK / "signer.key"]
    martlet("build", "--quiet", *sign, "--save", WORK / "app.tar.gz", "app:app", directory=team)
    martlet("build", "--quiet", *sign, "--save", WORK / "image.tar", "image:image", directory=team)
    verify = ["--key", WORK / "signer.pub", "--repository", team]
    check("equal" in martlet("rebuild", WORK / "app.tar.gz", *verify, "--sign", "other.key", "--output", "verdict.json",
                             "--verifier-id", "https://rebuilder.example"), "a package comes out the same")
    (WORK / "policy.yaml").write_text(
        "policy: v1\nname: reproduced\nsigners: {team: {keyFile: signer.pub}, rebuilder: {keyFile: other.pub}}\n"
        "builders: [{signer: team, id: 'https://martlet.dev/builder:**', level: 2, operator: team}]\nlevels: {build: 1}\n"
        "reproducedBy: 2\nsummaries: [{signer: rebuilder, verifier: 'https://rebuilder.example'}]\n")
    decide = ["policy", "check", "policy.yaml", "--artifact", "app.tar.gz", "--bundle", "app.tar.gz.sigstore.json"]
    martlet(*decide, status=1)
    martlet(*decide, "--bundle", "verdict.json")
    check("equal" in martlet("rebuild", WORK / "image.tar", *verify), "an image package's archive comes out the same")
    reference = f"{registry.host}/team/app:1"
    martlet("oci", "copy", "oci-archive:image.tar:latest", reference)
    martlet("oci", "attach", reference, "image.tar.sigstore.json")
    statement = json.loads(json_payload(martlet("verify-attestation", reference, "--key", "signer.pub", "--type",
                                                "slsaprovenance1")))
    roles = {}
    for dependency in statement["predicate"]["buildDefinition"]["resolvedDependencies"]:
        roles.setdefault(dependency["annotations"]["role"], []).append(dependency)
    check(len(roles["debian"]) >= 9 and all(d["digest"]["sha256"] for d in roles["debian"]), "every Debian package is named")
    check(roles["release"][0]["annotations"]["signers"] and roles["keyring"] and roles["index"], "and the archive's state")
    check(roles["package"][0]["name"] == "app:app", "and every dependency")
    check("equal" in martlet("rebuild", reference, *verify, "--sign", "other.key"), "a pushed image comes out the same")
    martlet("oci", "fetch", "file", reference, "app/provenance-bundle.jsonl")
    martlet("provenance", "assert", "--git-only", "--all-dependencies", "file://provenance-bundle.jsonl")
    martlet("verify", "--bundles-only", "provenance-bundle.jsonl", "--key", "signer.pub")
    (WORK / "tests.yaml").write_text(
        'schemaVersion: "2.0.0"\nfileExistenceTests:\n'
        "- {name: certificates, path: /etc/ssl/certs/ca-certificates.crt, shouldExist: true, permissions: '-r-xr-xr-x'}\n"
        "fileContentTests:\n- {name: a certificate, path: /etc/ssl/certs/ca-certificates.crt, "
        "expectedContents: ['-----BEGIN CERTIFICATE-----']}\n"
        "- {name: the program, path: /app/bin/app, expectedContents: ['echo hello']}\n"
        "metadataTest: {env: [{key: SSL_CERT_FILE, value: /etc/ssl/certs/ca-certificates.crt}], entrypoint: [/app/bin/app]}\n")
    martlet("image", "test", "oci-archive:image.tar:latest", "--config", "tests.yaml", "--platform", "linux/amd64")
    run("skopeo", "copy", "-q", "--override-arch", "amd64", "oci-archive:image.tar:latest", "oci:by-skopeo:1")

    # The same commit elsewhere, in another cache.
    run("git", "clone", "-q", team, WORK / "elsewhere/another-path")
    martlet("build", "--quiet", "--save", WORK / "second.tar.gz", "app:app", directory=WORK / "elsewhere/another-path",
            environment={"MARTLET_CACHE_DIR": str(WORK / "third")})
    first = tarfile.open(WORK / "app.tar.gz").extractfile("./bin/app").read()
    # Somebody changes the program, and keeps the provenance.
    changed = WORK / "changed.tar.gz"
    with tarfile.open(WORK / "app.tar.gz") as old, tarfile.open(changed, "w:gz") as new:
        for member in old:
            content = old.extractfile(member).read() if member.isfile() else b""
            if member.name == "./bin/app":
                content = first + b"echo evil\n"
                member.size = len(content)
            new.addfile(member, io.BytesIO(content) if member.isfile() else None)
    martlet("rebuild", changed, *verify, status=1)
    report = json.loads(martlet("rebuild", changed, "--unverified", "--repository", team, "--json", status=1))
    check([file["path"] for part in report["differences"] for file in part["files"]] == ["bin/app"], f"named: {report}")
    # Nobody can tell of what no commit has.
    (team / "app/in.txt").write_text("changed\n")
    martlet("build", "--quiet", "--save", WORK / "dirty.tar.gz", "app:app", directory=team)
    martlet("rebuild", WORK / "dirty.tar.gz", "--unverified", "--repository", team, status=3)
    martlet("rebuild", WORK / "app.tar.gz", "--key", WORK / "signer.pub", "--repository", WORK, status=2)
    print("packages and images of packages are built again from their commit")


def json_payload(line):
    import base64
    return base64.b64decode(json.loads(line.splitlines()[0])["payload"])


def resuming(registry):
    """A push and a pull that are killed move at most a chunk again. A chunk has 8 MiB."""
    size = int(os.environ.get("MARTLET_INTEROP_LARGE", 96 << 20)) >> 20 << 20
    chunk, words = 8 << 20, 1 << 20
    layout = WORK / "large"
    (layout / "blobs/sha256").mkdir(parents=True)
    source = random.Random(2)
    content = b"".join(source.randbytes(1 << 20) for _ in range(size >> 20))
    config = b'{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}'
    image = json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": put(layout, config),
                   "size": len(config)},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": put(layout, content),
                    "size": size}]}).encode()
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [
        {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": put(layout, image), "size": len(image),
         "annotations": {"org.opencontainers.image.ref.name": "1"}}]}))
    wire = Wire(registry.host)
    target = f"{wire.host}/team/large:1"

    def killed(command, moved):
        process = subprocess.Popen(command, cwd=WORK, env=ENVIRONMENT, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        while moved() < size // 3 and process.poll() is None:
            time.sleep(0.002)
        process.kill()
        process.wait()

    command = [MARTLET, "oci", "push", "--quiet", "large:1", target]
    killed(command, lambda: wire.sent)
    first = wire.sent
    check(first < size, "the push was killed in the middle")
    run(*command)
    again = wire.sent - size
    check(again <= chunk + words, f"{first} and {wire.sent - first} bytes were sent of {size}")
    command = [MARTLET, "oci", "pull", "--quiet", target, "pulled"]
    wire.received = 0
    killed(command, lambda: wire.received)
    first = wire.received
    check(first < size, "the pull was killed in the middle")
    run(*command)
    check(wire.received - size <= chunk + words, f"{first} and {wire.received - first} bytes came of {size}")
    print(f"of {size} bytes, a killed push sent {max(0, again)} again, and a killed pull got {wire.received - size} again")


def secured():
    """A registry with a certificate of its own authority: trusted where that is named, and nowhere else."""
    registry = Registry("secured", "--tls-self-made")
    try:
        trust = ["--registry-ca-file", WORK / "secured/tls-certificate.pem"]
        image = f"{registry.host}/team/app:1"
        martlet("oci", "copy", "oci:plain:1", image, *trust)
        martlet("oci", "fetch", "file", image, "etc/passwd", "-o", "one", *trust)
        for command in [["oci", "resolve", "name", image], ["oci", "copy", "oci:plain:1", image],
                        ["oci", "fetch", "file", image, "etc/passwd", "-o", "two"]]:
            martlet(*command, status=3)
        check(not (WORK / "two").exists(), "nothing is written by whoever does not trust the registry")
    finally:
        registry.stop()
    print("a registry's certificate is checked with the authority that is named")


WORK.mkdir(parents=True, exist_ok=True)
(WORK / "home").mkdir(exist_ok=True)
registry = Registry("registry")
try:
    files(registry, Counter(registry.host))
    seekable()
    images(registry)
    packages(registry)
    resuming(registry)
    secured()
finally:
    registry.stop()
print(f"{passed} checks of images built again hold")
