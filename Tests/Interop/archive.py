"""A folder with a part of Debian's archive, fetched through apt's own configured source, and the examples' definitions for
it. For interop tests and benchmarks."""
import lzma
import pathlib
import re
import subprocess
import sys

examples = pathlib.Path(__file__).resolve().parents[2] / "examples" / "images"
keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
packages = """base-files netbase tzdata tzdata-legacy media-types busybox-static ca-certificates libc6 libssl3t64 libzstd1
zlib1g libgomp1 libstdc++6 libgcc-s1 gcc-14-base""".split()


def run(*command, check=True, **options):
    """The end of a command; `sys.exit` where it fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if check and done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ends with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


def fetch(work):
    """Copies a release and the packages that are needed into `work`/mirror."""
    uri = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Identifier: Packages", "Component: main")
    mirror = uri.stdout.split()[0].rstrip("/").removesuffix("-security")

    def get(path):
        target = work / "mirror" / path
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            run("/usr/lib/apt/apt-helper", "download-file", f"{mirror}/{path}", target)
        return target

    get("dists/trixie/InRelease")
    for architecture in ["amd64", "arm64"]:
        text = lzma.open(get(f"dists/trixie/main/binary-{architecture}/Packages.xz"), "rt").read()
        for stanza in text.split("\n\n"):
            if re.match(r"Package: (\S+)\n", stanza) and stanza.split()[1] in packages:
                get(re.search(r"^Filename: (\S+)", stanza, re.M).group(1))


def definitions(folder):
    """The examples, with the folder `mirror` beside `folder` as their archive."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in examples.glob("*.yaml"):
        text = re.sub(r"uri: \S+", "uri: file:../mirror", file.read_text())
        (folder / file.name).write_text(text)
