"""Moves a 14-layer image of 9 MB to and from docker-registry on this machine, beside skopeo."""

import hashlib
import json
import os
import random
import shutil
import socket
import subprocess
import tarfile
import time
import io
import urllib.error
import urllib.request
import zlib

import pairs
from rows import ROWS, against

LAYERS = 14
# As much as the layers of a cc-like Debian image have, the largest a third of it.
SIZES = [3_100_000, 1_900_000, 1_200_000, 900_000, 600_000, 500_000, 300_000, 200_000, 150_000, 100_000, 90_000,
         60_000, 50_000, 30_000]


def image(folder):
    """A layout with one image, the same on every machine."""
    blobs = os.path.join(folder, "blobs", "sha256")
    os.makedirs(blobs)

    def put(content):
        name = hashlib.sha256(content).hexdigest()
        with open(os.path.join(blobs, name), "wb") as file:
            file.write(content)
        return {"digest": "sha256:" + name, "size": len(content)}

    layers, unpacked = [], []
    for number, size in enumerate(SIZES):
        content = random.Random(number).randbytes(size)
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            member = tarfile.TarInfo(f"layer{number}")
            member.size = size
            archive.addfile(member, io.BytesIO(content))
        plain = raw.getvalue()
        unpacked.append("sha256:" + hashlib.sha256(plain).hexdigest())
        packer = zlib.compressobj(6, zlib.DEFLATED, 31)
        layers.append(put(packer.compress(plain) + packer.flush())
                      | {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip"})
    config = put(json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                             "rootfs": {"type": "layers", "diff_ids": unpacked}}).encode())
    config["mediaType"] = "application/vnd.oci.image.config.v1+json"
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = put(json.dumps({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers}).encode())
    manifest |= {"mediaType": kind, "annotations": {"org.opencontainers.image.ref.name": "t"}}
    with open(os.path.join(folder, "index.json"), "w", encoding="utf-8") as file:
        json.dump({"schemaVersion": 2, "manifests": [manifest]}, file)
    with open(os.path.join(folder, "oci-layout"), "w", encoding="utf-8") as file:
        json.dump({"imageLayoutVersion": "1.0.0"}, file)


class DockerRegistry:
    """docker-registry on a port that nobody chose, with its data in the scratch directory."""

    def __init__(self, scratch):
        self.data = os.path.join(scratch, "docker-registry")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        config = os.path.join(scratch, "docker-registry.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n"
                       f"storage: {{filesystem: {{rootdirectory: {self.data}}}}}\n"
                       f"http: {{addr: '127.0.0.1:{self.port}', secret: bench}}\n")
        self.process = subprocess.Popen(["docker-registry", "serve", config], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        for _ in range(500):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v2/", timeout=1).close()
                return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.02)
        raise pairs.CommandFailed("docker-registry does not answer")

    def forget(self):
        shutil.rmtree(self.data, ignore_errors=True)

    def close(self):
        self.process.terminate()
        self.process.wait()


def transfer(bench):
    if not shutil.which("docker-registry") or not shutil.which("skopeo"):
        raise pairs.CommandFailed("install docker-registry and skopeo")
    layout = bench.make("image", image)
    registry = DockerRegistry(bench.scratch)
    target = f"127.0.0.1:{registry.port}/bench/image:t"
    pulled = os.path.join(bench.scratch, "pulled")

    def clear():
        shutil.rmtree(pulled, ignore_errors=True)

    try:
        push, their_push = bench.measure(
            bench.ours("/", "oci", "push", "--quiet", layout + ":t", target, before=registry.forget),
            bench.theirs("/", "skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:t",
                         f"docker://{target}", before=registry.forget))
        subprocess.run([bench.program, "oci", "push", "--quiet", layout + ":t", target], check=True,
                       env=bench.environment)
        pull, their_pull = bench.measure(
            bench.ours("/", "oci", "pull", "--quiet", target, pulled, before=clear),
            bench.theirs("/", "skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{target}",
                         f"oci:{pulled}:t", before=clear))
        copy, their_copy = bench.measure(
            bench.ours("/", "oci", "copy", "--quiet", target, f"127.0.0.1:{registry.port}/bench/copy:t"),
            bench.theirs("/", "skopeo", "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false",
                         f"docker://{target}", f"docker://127.0.0.1:{registry.port}/bench/other:t"))
        clear()
    finally:
        registry.close()
    what = f"{LAYERS} layers, {sum(SIZES) / 1e6:.1f} MB, docker-registry on this machine: "
    return [
        against("9", what + "push", push, their_push, "skopeo", "≤ 0.40", pairs.ratio(push, their_push) <= 0.4),
        against("9", what + "pull", pull, their_pull, "skopeo", "≤ 0.60", pairs.ratio(pull, their_pull) <= 0.6),
        against("9", what + "copy within", copy, their_copy, "skopeo", "≤ 0.60", pairs.ratio(copy, their_copy) <= 0.6),
    ]


ROWS["registry"] = transfer
