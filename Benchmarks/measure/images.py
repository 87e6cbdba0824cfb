"""Images from Debian packages beside buildah: cold, with kept layers, and with nothing to do."""

import os
import pathlib
import shutil
import subprocess
import sys

from rows import ROWS, against
from table import Line, sample

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "Tests", "Interop"))
import archive  # noqa: E402

STATIC = ["base-files", "netbase", "tzdata", "tzdata-legacy", "media-types"]
CC = STATIC + ["libc6", "libssl3t64", "libzstd1", "zlib1g", "libgomp1", "libstdc++6", "libgcc-s1", "gcc-14-base"]
DOCKERFILE = "FROM scratch\nADD *.tar /\n"


def image(bench, work, name, compression, place, before):
    return bench.ours(
        work, "image", "build", f"{work}/definitions/{name}.yaml", "--output", f"oci:{place}", "--variant", "latest",
        "--architecture", "amd64", "--compression", compression, "--cache-dir", f"{work}/cache", "--offline", before=before)


def images(bench):
    work = pathlib.Path(bench.scratch) / "images"
    work.mkdir(exist_ok=True)
    archive.fetch(work)
    archive.definitions(work / "definitions")
    for name in ["static", "cc"]:
        subprocess.run(
            [bench.program, "image", "lock", f"{work}/definitions/{name}.yaml", "--cache-dir", f"{work}/cache"],
            check=True, stdout=subprocess.DEVNULL)
    out = f"{work}/out"

    def cold():
        shutil.rmtree(out, ignore_errors=True)
        shutil.rmtree(f"{work}/cache/layers", ignore_errors=True)

    def warm():
        shutil.rmtree(out, ignore_errors=True)

    lines = []
    for name, packages, compression, target in [
        ("static", STATIC, "gzip", 0.10), ("cc", CC, "gzip", 0.45), ("cc", CC, "zstd", 0.25),
    ]:
        commands = [image(bench, work, name, compression, out, cold)]
        if compression == "gzip":
            commands.append(buildah(bench, work, packages))
        samples = bench.measure(*commands)
        what = f"{name}-like image, {compression}, cold, packages at hand"
        words = f"≤ {target * 1000:.0f} ms"
        if len(samples) > 1:
            lines.append(against(
                "12", what, samples[0], samples[1], "buildah of unpacked packages", words, samples[0].median <= target))
        else:
            lines.append(Line("12", what, len(samples[0].runs), sample(samples[0]), "", "", words,
                              samples[0].median <= target))
    kept = bench.measure(image(bench, work, "cc", "gzip", out, warm))[0]
    lines.append(Line("12", "cc-like image, every layer kept", len(kept.runs), sample(kept), "", "", "≤ 20 ms",
                      kept.median <= 0.02))
    nothing = bench.measure(image(bench, work, "cc", "gzip", out, None))[0]
    lines.append(Line("12", "cc-like image, nothing to do", len(nothing.runs), sample(nothing), "", "", "≤ 20 ms",
                      nothing.median <= 0.02))
    return lines


def buildah(bench, work, packages):
    """The peer starts from archives that are unpacked already; it has no way to packages."""
    context = work / f"context-{len(packages)}"
    if not context.exists():
        context.mkdir()
        for file in (work / "mirror").rglob("*.deb"):
            name, _, architecture = file.stem.split("_")
            if name in packages and architecture in ("amd64", "all"):
                with open(context / f"{name}.tar", "wb") as tar:
                    subprocess.run(["dpkg-deb", "--fsys-tarfile", file], check=True, stdout=tar)
        (context / "Dockerfile").write_text(DOCKERFILE)
    return bench.theirs(
        str(context), "buildah", "--root", f"{work}/storage", "--runroot", f"{work}/run", "--storage-driver", "vfs", "bud",
        "-q", "--isolation", "chroot", "--timestamp", "0", "-t", "peer", str(context))


ROWS["images"] = images
