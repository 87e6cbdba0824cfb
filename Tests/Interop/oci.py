"""Images between martlet and docker-registry, skopeo, umoci, buildah and podman.

Usage: oci.py MARTLET FOLDER. Each moves, attaches or reads what the other wrote; processes are killed in the middle."""

import base64
import concurrent.futures
import crypt
import hashlib
import io
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
import zlib

MARTLET, WORK = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
ENVIRONMENT = os.environ | {"HOME": str(WORK / "home"), "XDG_RUNTIME_DIR": str(WORK / "run"),
                            "MARTLET_KEY_PASSWORD": "open sesame"}
for variable in ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "XDG_STATE_HOME"):
    ENVIRONMENT.pop(variable, None)
passed = 0


def check(condition, what):
    global passed
    if not condition:
        sys.exit(f"interop: FAILED: {what}")
    passed += 1


def run(*command, status=0, environment=None, stdin=None):
    done = subprocess.run(list(map(str, command)), capture_output=True, input=stdin, cwd=WORK,
                          env=ENVIRONMENT | (environment or {}), check=False)
    if done.returncode != status:
        sys.exit(f"interop: {' '.join(map(str, command))} ended with {done.returncode}, not {status}:\n"
                 f"{done.stdout.decode(errors='replace')[-2000:]}\n{done.stderr.decode(errors='replace')[-3000:]}")
    return done.stdout


def martlet(*arguments, **options):
    return run(MARTLET, *arguments, **options)


class DockerRegistry:
    """docker-registry, the old kind without lists of referrers."""

    def __init__(self, name, extra=""):
        self.data = WORK / f"registry-{name}"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        config = WORK / f"{name}.yml"
        config.write_text(f"version: 0.1\nlog: {{level: error}}\n"
                          f"storage: {{filesystem: {{rootdirectory: {self.data}}}, delete: {{enabled: true}}}}\n"
                          f"http: {{addr: '127.0.0.1:{self.port}', secret: test}}\n{extra}")
        log = open(WORK / f"{name}.log", "wb")
        self.process = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=log, stderr=log)
        self.host = f"127.0.0.1:{self.port}"
        for _ in range(1000):
            try:
                urllib.request.urlopen(f"http://{self.host}/v2/", timeout=5).close()
                return
            except urllib.error.HTTPError:
                return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.02)
        sys.exit("interop: docker-registry does not answer")

    def close(self):
        self.process.terminate()
        self.process.wait()


def layout(folder, files, compression="gzip", size=0):
    """A layout with one image of one layer for each group of files: dictionaries of path to content."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(content):
        name = hashlib.sha256(content).hexdigest()
        (blobs / name).write_bytes(content)
        return {"digest": "sha256:" + name, "size": len(content)}

    layers, unpacked = [], []
    for number, group in enumerate(files):
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for name, content in group.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        plain = raw.getvalue()
        unpacked.append("sha256:" + hashlib.sha256(plain).hexdigest())
        kind = "application/vnd.oci.image.layer.v1.tar"
        if compression == "gzip":
            packer = zlib.compressobj(1 if size else 6, zlib.DEFLATED, 31)
            plain = packer.compress(plain) + packer.flush()
            kind += "+gzip"
        layers.append(put(plain) | {"mediaType": kind})
    config = put(json.dumps({
        "architecture": "amd64", "os": "linux", "config": {"Entrypoint": ["/app"]},
        "rootfs": {"type": "layers", "diff_ids": unpacked},
        "history": [{"created_by": f"layer {number}"} for number in range(len(layers))]}).encode())
    config["mediaType"] = "application/vnd.oci.image.config.v1+json"
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = put(json.dumps({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers}).encode())
    manifest |= {"mediaType": kind, "annotations": {"org.opencontainers.image.ref.name": "t"}}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return manifest["digest"]


def moving(registry):
    """Push, pull and copy, read by others and read from others."""
    digest = layout(WORK / "image", [{"etc/passwd": b"root:x:0:0\n", "app": b"#!/bin/true\n"}, {"b": b"b" * 100000}])
    image = f"{registry.host}/team/app:t"
    out = martlet("oci", "push", "image:t", image).decode()
    check(digest in out, "a push says the digest")
    inspected = json.loads(run("skopeo", "inspect", "--tls-verify=false", f"docker://{image}"))
    check(inspected["Digest"] == digest and len(inspected["Layers"]) == 2, "skopeo reads what martlet pushed")
    run("skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{image}", "oci:from-skopeo:t")
    run("umoci", "unpack", "--rootless", "--image", "from-skopeo:t", "bundle")
    check((WORK / "bundle/rootfs/etc/passwd").read_bytes() == b"root:x:0:0\n", "umoci unpacks it")
    martlet("oci", "pull", image, "pulled")
    run("umoci", "unpack", "--rootless", "--image", "pulled:t", "bundle2")
    check((WORK / "bundle2/rootfs/b").read_bytes() == b"b" * 100000, "umoci unpacks what martlet pulled")
    for kind in ("oci-archive", "docker-archive"):
        martlet("oci", "copy", image, f"{kind}:{kind}.tar:a/b:t" if kind == "docker-archive" else f"{kind}:{kind}.tar:t")
        run("skopeo", "copy", "-q", f"{kind}:{kind}.tar", f"oci:{kind}-by-skopeo:t")
        run("skopeo", "copy", "-q", "oci:image:t", f"{kind}:{kind}-skopeo.tar:a/b:t")
        martlet("oci", "copy", f"{kind}:{kind}-skopeo.tar", f"oci:{kind}-by-martlet:t")
        text = martlet("oci", "fetch", "file", f"oci:{kind}-by-martlet:t", "/etc/passwd", "-o", "-")
        check(text == b"root:x:0:0\n", f"martlet reads skopeo's {kind}")
        text = martlet("oci", "fetch", "file", f"oci:{kind}-by-skopeo:t", "/etc/passwd", "-o", "-")
        check(text == b"root:x:0:0\n", f"skopeo reads martlet's {kind}")
    layout(WORK / "plain", [{"etc/passwd": b"root:x:0:0\n", "c": b"c" * 5000}], compression="none")
    run("skopeo", "copy", "-q", "--dest-tls-verify=false", "--dest-compress-format", "zstd", "oci:plain:t",
        f"docker://{registry.host}/team/zstd:t")
    text = martlet("oci", "fetch", "file", f"{registry.host}/team/zstd:t", "etc/passwd", "-o", "-")
    check(text == b"root:x:0:0\n", "martlet reads zstd layers of skopeo")
    check("zstd" in martlet("oci", "layer", "list", f"{registry.host}/team/zstd:t").decode(), "they are zstd indeed")
    exact = martlet("oci", "fetch", "manifest", image)
    check("sha256:" + hashlib.sha256(exact).hexdigest() == digest, "a fetched manifest has the bytes of its digest")
    check(martlet("oci", "resolve", "name", image).decode().strip() == f"{registry.host}/team/app@{digest}", "resolve")
    descriptor = martlet("oci", "resolve", "descriptor", image)
    check(martlet("oci", "fetch", "raw", image, "--descriptor-from-stdin", stdin=descriptor) == exact, "fetch raw")
    martlet("oci", "copy", image, f"{registry.host}/other/app:u")
    martlet("oci", "tag", f"{registry.host}/other/app:u", "v", "w")
    check(martlet("oci", "ls", f"{registry.host}/other/app").decode().split() == ["u", "v", "w"], "tags")
    martlet("oci", "diff", image, f"{registry.host}/other/app:v")
    martlet("oci", "fetch", "manifest", f"{registry.host}/team/nothing:t", status=1)
    martlet("oci", "fetch", "manifest", "127.0.0.1:1/team/nothing:t", status=3)
    martlet("oci", "fetch", "manifest", "NOT A REFERENCE", status=2)
    return image, digest


def killing(registry):
    """A push and a pull of a large image, killed in the middle, go on where they were."""
    size = int(os.environ.get("MARTLET_INTEROP_LARGE", 200_000_000))
    digest = layout(WORK / "large", [{"big": random.Random(1).randbytes(size)}], size=size)
    blob = json.loads((WORK / "large/index.json").read_text())["manifests"][0]["digest"]
    manifest = json.loads((WORK / "large/blobs/sha256" / blob[7:]).read_text())
    wanted = manifest["layers"][0]["size"]
    image = f"{registry.host}/team/large:t"

    def killed(arguments, progress):
        process = subprocess.Popen([MARTLET, *map(str, arguments)], cwd=WORK, env=ENVIRONMENT,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while progress() < wanted // 3 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        return progress()

    def uploaded():
        return max([file.stat().st_size for file in registry.data.rglob("_uploads/*/data")], default=0)

    had = killed(["oci", "push", "--quiet", "large:t", image], uploaded)
    check(0 < had < wanted, "the push was killed in the middle")
    # docker-registry's address of an upload says how long it is, signed. One that broke in the middle of a piece is
    # longer, so nobody can name it any more: it stays on its disk, and all begins anew.
    (place,) = (WORK / "home/.local/state/martlet/uploads").glob("*.url")
    try:
        known = urllib.request.urlopen(place.read_text(), timeout=60).status
    except urllib.error.HTTPError as answer:
        known = answer.code
    check(known in (204, 404), f"docker-registry knows an upload or not: {known}")
    print(f"  docker-registry has {had} bytes of a killed push, and answers {known} for them")
    martlet("oci", "push", "--quiet", "large:t", image)
    check(json.loads(run("skopeo", "inspect", "--tls-verify=false", f"docker://{image}"))["Digest"] == digest,
          "a push that was killed ends with the next")

    def arrived():
        return sum(file.stat().st_size for file in (WORK / "again").rglob("sha256-*") if file.suffix != ".lock")

    had = killed(["oci", "pull", "--quiet", image, "again"], arrived)
    check(0 < had < wanted, "the pull was killed in the middle")
    before = time.monotonic()
    martlet("oci", "pull", "--quiet", image, "again")
    check(not list((WORK / "again").glob(".partial/*")), "nothing is left behind")
    run("umoci", "unpack", "--rootless", "--image", "again:t", "bundle3")
    print(f"  a killed pull of {wanted} bytes went on from {had} and took {time.monotonic() - before:.1f} s")


def attaching(registry, image, digest):
    """Sixteen at once lose nothing, in one place and on sixteen machines."""
    for turn, apart in enumerate((False, True)):
        target = f"{registry.host}/team/many{turn}:t"
        martlet("oci", "copy", image, target)

        def attach(number):
            path = WORK / f"file-{turn}-{number}.json"
            path.write_text(json.dumps({"number": number}))
            martlet("oci", "attach", target, path, "--type", "application/vnd.example+json",
                    environment={"XDG_STATE_HOME": str(WORK / f"state-{number}")} if apart else {})

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(attach, range(16)))
        tree = json.loads(martlet("oci", "tree", "--json", target))
        check(len(tree["attached"]) == 16, f"16 attach at once, {len(tree['attached'])} are listed")
    index = json.loads(run("skopeo", "inspect", "--raw", "--tls-verify=false",
                           f"docker://{registry.host}/team/many0:sha256-{digest[7:]}"))
    check(len(index["manifests"]) == 16, "skopeo reads the list, too")


def signing(registry, image, digest):
    """Signatures and attestations, in both layouts, and their verification."""
    make_keys()
    martlet("sign", image, "--key", "signer.key")
    out = martlet("verify", image, "--key", "signer.pub")
    check(json.loads(out)[0]["critical"]["image"]["docker-manifest-digest"] == digest, "a signature verifies")
    martlet("verify", image, "--key", "other.pub", status=1)
    (WORK / "predicate.json").write_text('{"buildType":"https://example.org/build","builder":{"id":"https://example.org"}}')
    martlet("attest", image, "--predicate", "predicate.json", "--type", "slsaprovenance", "--key", "signer.key", "--legacy")
    martlet("sign", image, "--key", "signer.key", "--legacy")
    out = martlet("verify-attestation", image, "--key", "signer.pub", "--type", "slsaprovenance")
    statement = json.loads(base64.b64decode(json.loads(out)["payload"]))
    check(statement["subject"][0]["digest"]["sha256"] == digest[7:], "the attestation is about the image")
    check(statement["predicateType"] == "https://slsa.dev/provenance/v0.2", "and is provenance")
    martlet("verify-attestation", image, "--key", "signer.pub", "--type", "spdx", status=1)
    martlet("verify", f"{registry.host}/other/app:u", "--key", "signer.pub", status=1)
    martlet("oci", "copy", image, "oci:signed:t", "--with-referrers")
    martlet("verify", "oci:signed:t", "--key", "signer.pub")
    martlet("oci", "copy", "oci:signed:t", f"{registry.host}/third/app:t", "--with-referrers")
    martlet("verify-attestation", f"{registry.host}/third/app:t", "--key", "signer.pub", "--type", "slsaprovenance")
    # The old tags alone, for whoever reads nothing else.
    martlet("oci", "copy", image, f"{registry.host}/old/app:t")
    martlet("verify", f"{registry.host}/old/app:t", "--key", "signer.pub", status=1)
    for suffix in ("att", "sig"):
        martlet("oci", "copy", f"{registry.host}/team/app:sha256-{digest[7:]}.{suffix}",
                f"{registry.host}/old/app:sha256-{digest[7:]}.{suffix}")
    martlet("verify-attestation", f"{registry.host}/old/app:t", "--key", "signer.pub", "--type", "slsaprovenance")
    martlet("verify", f"{registry.host}/old/app:t", "--key", "signer.pub")
    martlet("verify", f"{registry.host}/old/app:t", "--key", "other.pub", status=1)
    print(martlet("oci", "tree", image).decode(), end="")


def make_keys():
    for name in ("signer", "other"):
        run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.sec1")
        run("openssl", "pkcs8", "-topk8", "-nocrypt", "-in", f"{name}.sec1", "-out", f"{name}.key")
        run("openssl", "ec", "-in", f"{name}.sec1", "-pubout", "-out", f"{name}.pub")
        (WORK / f"{name}.key").chmod(0o600)


def building(registry):
    """An image that buildah built, with a provenance bundle in it: the flow of Gitpod's post."""
    team = WORK / "team"
    (team / "app").mkdir(parents=True)
    (team / "WORKSPACE.yaml").write_text("defaultTarget: app:app\n")
    (team / "app/BUILD.yaml").write_text('packages:\n- name: app\n  type: generic\n  srcs: ["*.txt"]\n')
    (team / "app/words.txt").write_text("words\n")
    for command in (["git", "init", "-q"], ["git", "add", "-A"],
                    ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "first"]):
        subprocess.run(command, cwd=team, check=True, env=ENVIRONMENT)
    subprocess.run([MARTLET, "build", "--quiet", "--save", str(WORK / "app.tar.gz"), "app:app"], cwd=team, check=True,
                   env=ENVIRONMENT | {"MARTLET_CACHE_DIR": str(WORK / "cache")}, stdout=subprocess.DEVNULL)
    context = WORK / "context"
    (context / "app").mkdir(parents=True)
    with tarfile.open(WORK / "app.tar.gz") as archive:
        for member in archive.getmembers():
            if member.name.endswith("provenance-bundle.jsonl"):
                (context / "app/provenance-bundle.jsonl").write_bytes(archive.extractfile(member).read())
    (context / "Containerfile").write_text("FROM scratch\nCOPY app /app\n")
    storage = ["--root", str(WORK / "storage"), "--runroot", str(WORK / "runroot"), "--storage-driver", "vfs"]
    run("buildah", *storage, "bud", "--isolation", "chroot", "-q", "-t", "localhost/flow:t", context)
    image = f"{registry.host}/team/flow:t"
    run("buildah", *storage, "push", "-q", "--tls-verify=false", "localhost/flow:t", f"docker://{image}")
    martlet("oci", "fetch", "file", "--quiet", image, "app/provenance-bundle.jsonl")
    martlet("provenance", "assert", "--git-only", "--built-with-martlet", "file://" + str(WORK / "provenance-bundle.jsonl"))
    # And the other way: an image that martlet pushed is a base for others.
    layout(WORK / "base", [{"etc/base": b"base\n"}])
    martlet("oci", "push", "--quiet", "base:t", f"{registry.host}/team/base:t")
    (context / "Containerfile").write_text(f"FROM {registry.host}/team/base:t\nCOPY app /app\n")
    run("buildah", *storage, "bud", "--isolation", "chroot", "--tls-verify=false", "-q", "-t", "localhost/derived:t", context)
    run("buildah", *storage, "push", "-q", "localhost/derived:t", "oci:derived:t")
    check(martlet("oci", "fetch", "file", "oci:derived:t", "/etc/base", "-o", "-") == b"base\n", "FROM martlet's image")
    podman = ["podman", "--root", str(WORK / "storage"), "--runroot", str(WORK / "runroot"), "--storage-driver", "vfs"]
    run(*podman, "pull", "-q", "--tls-verify=false", f"{registry.host}/team/base:t")
    check(json.loads(run(*podman, "image", "inspect", f"{registry.host}/team/base:t"))[0]["Os"] == "linux", "podman pulls it")


def authenticating():
    """Basic passwords, as docker and podman keep them."""
    line = "user:" + crypt.crypt("secret", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=32))
    (WORK / "htpasswd").write_text(line + "\n")
    registry = DockerRegistry("auth", f"auth: {{htpasswd: {{realm: test, path: {WORK / 'htpasswd'}}}}}\n")
    try:
        image = f"{registry.host}/team/app:t"
        martlet("oci", "push", "image:t", image, status=3)
        (WORK / "home/.docker").mkdir(parents=True, exist_ok=True)
        auth = base64.b64encode(b"user:secret").decode()
        (WORK / "home/.docker/config.json").write_text(json.dumps({"auths": {registry.host: {"auth": auth}}}))
        martlet("oci", "push", "image:t", image)
        (WORK / "home/.docker/config.json").unlink()
        (WORK / "password").write_text("secret\n")
        martlet("oci", "fetch", "manifest", image, "--username", "user", "--password-file", "password")
        (WORK / "run/containers").mkdir(parents=True)
        (WORK / "run/containers/auth.json").write_text(json.dumps({"auths": {f"{registry.host}/team": {"auth": auth}}}))
        martlet("oci", "fetch", "manifest", image)
        (WORK / "run/containers/auth.json").unlink()
    finally:
        registry.close()


def main():
    for folder in ("home", "run"):
        (WORK / folder).mkdir(parents=True)
    registry = DockerRegistry("plain")
    try:
        image, digest = moving(registry)
        attaching(registry, image, digest)
        signing(registry, image, digest)
        building(registry)
        killing(registry)
    finally:
        registry.close()
    authenticating()
    print(f"images: {passed} checks with docker-registry, skopeo, umoci, buildah and podman")


main()
