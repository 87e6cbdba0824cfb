"""Images from Debian packages, as other programs see them.

Usage: images.py MARTLET FOLDER [REBUILDS]. Packages come through apt's own configured source into a folder, and everything else
works on that. Asks gpgv and sqop about the same signatures, skopeo, umoci, podman and buildah about the same images, and
builds again under other paths, umasks, time zones, users and widths: there is one digest.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

from archive import definitions, fetch, keyring, run

martlet, work = sys.argv[1], pathlib.Path(sys.argv[2])
rebuilds = int(sys.argv[3] if len(sys.argv) > 3 else os.environ.get("MARTLET_REBUILDS", "4"))


def say(text):
    print(text, flush=True)


def signatures():
    """Verdicts over the real file and changed ones, beside those of gpgv and sqop."""
    original = (work / "mirror/dists/trixie/InRelease").read_bytes()
    cases = {
        "good": original,
        "tampered": original.replace(b"Codename: trixie", b"Codename: trixio"),
        "cut": original[: len(original) // 2],
        "extended": original.replace(b"\nSHA256:\n", b"\nSHA256:\n " + b"0" * 64 + b" 1 main/evil\n"),
    }
    for name, content in cases.items():
        place = work / "verdicts" / name
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(work / "mirror/dists", place / "mirror/dists")
        os.symlink(work / "mirror/pool", place / "mirror/pool")
        (place / "mirror/dists/trixie/InRelease").write_bytes(content)
        definitions(place / "definitions")
        ours = run(martlet, "image", "lock", place / "definitions/static.yaml", "--cache-dir", work / "cache", check=False)
        status = run("gpgv", "--status-fd", "1", "--keyring", keyring, place / "mirror/dists/trixie/InRelease", check=False)
        theirs = " GOODSIG " in status.stdout and " BADSIG " not in status.stdout
        sqop = subprocess.run(["sqop", "inline-verify", keyring], input=content, capture_output=True).returncode == 0
        if not (ours.returncode == 0) == theirs == sqop == (name == "good"):
            sys.exit(f"interop: {name}: martlet {ours.returncode}, gpgv {theirs}, sqop {sqop}\n{ours.stderr}")
    say("gpgv, sqop and martlet agree about InRelease files")


def digests(name, place, *options, cache=None, prefix=(), **others):
    out = run(
        *prefix, martlet, "image", "build", place / "definitions" / f"{name}.yaml", "--output", f"oci:{place / name}",
        "--cache-dir", cache or place / "cache", "--offline", "--json", *options, **others)
    return json.loads(out.stdout)


def reproducibility():
    """One digest, whatever is around the build. Packages and the verified lock are at hand; every layer is made anew."""
    definitions(work / "definitions")
    cache = work / "cache"
    for name in ["static", "cc"]:
        definition = work / "definitions" / f"{name}.yaml"
        run(martlet, "image", "lock", definition, "--cache-dir", cache, "--at", "2026-10-01T00:00:00Z")
        locked = definition.with_suffix(".lock.json").read_bytes()
        run(martlet, "image", "lock", definition, "--cache-dir", cache)
        assert definition.with_suffix(".lock.json").read_bytes() == locked, f"{name}: a lock changes when nothing else does"
        run(martlet, "image", "verify-lock", definition, "--cache-dir", cache, "--offline")
        run(martlet, "image", "build", definition, "--cache-dir", cache, "--output", f"oci:{work / 'first'}")
    say("locks are stable, and verified without a connection")
    first = {}
    names_differ = run("unshare", "--uts", "true", check=False).returncode == 0
    for number in range(rebuilds):
        place = work / f"rebuild-{number}" / ("long " * (number % 4) + "path")
        shutil.rmtree(place.parent, ignore_errors=True)
        shutil.copytree(work / "definitions", place / "definitions")
        os.symlink(work / "mirror", place / "mirror")
        for part in ["sha256", "verified"]:
            shutil.copytree(cache / part, place / "cache" / part, copy_function=os.link)
        owner = 65534 if os.getuid() == 0 and number % 3 == 2 else None
        if owner:
            run("chown", "-R", f"{owner}:{owner}", place.parent)
        environment = dict(
            os.environ, TZ=["UTC", "Asia/Kathmandu", "America/St_Johns"][number % 3],
            LC_ALL=["C", "C.UTF-8"][number % 2], HOME=str(place))
        options = dict(
            env=environment, cwd=["/", str(place)][number % 2], umask=[0o022, 0o077, 0o002][number % 3], user=owner,
            group=owner)
        # A machine of another name and kind, as far as programs can tell.
        host = ["setarch", "aarch64" if os.uname().machine == "aarch64" else "i686"] if number % 4 == 1 else []
        if names_differ and not owner and number % 2:
            host += ["unshare", "--uts", "sh", "-c", f'hostname builder-{number} && exec "$0" "$@"']
        for name in ["static", "cc"]:
            for compression in ["gzip", "zstd"]:
                made = digests(
                    name, place, "-j", 1 + number % 4, "--compression", compression, prefix=host, **options)
                for image in made["images"]:
                    platforms = [platform["platform"] for platform in image["platforms"]]
                    assert platforms == ["linux/amd64", "linux/arm64/v8"], platforms
                key = (name, compression)
                assert first.setdefault(key, made) == made, f"{key}: another digest in run {number}"
        if number:
            shutil.rmtree(place.parent)
    say(f"{rebuilds} builds under other circumstances give one digest for amd64, and one for arm64")
    return work / "rebuild-0" / "path"


def readers(place):
    """skopeo, umoci, podman with runc, and buildah on the images."""
    made = digests("cc", place)
    wanted = {image["tag"]: image["digest"] for image in made["images"]}
    layout = f"oci:{place / 'cc'}"
    for tag in wanted:
        config = json.loads(run("skopeo", "inspect", "--config", f"{layout}:{tag}").stdout)
        layers = json.loads(run("skopeo", "inspect", f"{layout}:{tag}").stdout)["Layers"]
        assert len(config["history"]) == len(config["rootfs"]["diff_ids"]) == len(layers)
    run("skopeo", "copy", "--all", f"{layout}:latest", f"oci:{work / 'copy'}:latest")
    copied = json.loads((work / "copy/index.json").read_text())["manifests"][0]["digest"]
    assert copied == wanted["latest"], "skopeo copies another digest"
    say("skopeo reads and copies the images")

    run(martlet, "image", "build", place / "definitions/cc.yaml", "--output", f"oci:{work / 'one'}:debug", "--variant",
        "debug", "--architecture", "amd64", "--cache-dir", place / "cache", "--offline")
    rootless = [] if os.getuid() == 0 else ["--rootless"]
    run("umoci", "unpack", *rootless, "--image", f"{work / 'one'}:debug", work / "bundle")
    rootfs = work / "bundle/rootfs"
    assert (rootfs / "etc/passwd").read_text().startswith("root:x:0:0:")
    run("ldconfig", "-X", "-r", rootfs, "-C", "/etc/theirs")

    def libraries(file):
        return [line for line in run("ldconfig", "-p", "-C", rootfs / "etc" / file).stdout.splitlines() if "=>" in line]

    assert libraries("ld.so.cache") == libraries("theirs") != []
    say("umoci unpacks them, and ldconfig makes the same cache")

    if os.getuid() != 0:
        say("podman and buildah are left out: this is not root")
        return
    configuration = work / "containers.conf"
    configuration.write_text(
        '[containers]\ndefault_ulimits=["nofile=20000:20000","nproc=32768:32768"]\nnetns="host"\n'
        '[engine]\ncgroup_manager="cgroupfs"\n')
    storage = ["--root", work / "storage", "--runroot", work / "run", "--storage-driver", "vfs"]
    environment = dict(os.environ, CONTAINERS_CONF=str(configuration))
    podman = ["podman", *storage, "--runtime", "runc"]
    pulled = run(*podman, "pull", "-q", f"oci:{work / 'one'}:debug", env=environment).stdout.strip()
    told = run(*podman, "run", "--rm", "--network", "host", pulled, "-c", "echo $PATH; cat /etc/os-release", env=environment)
    assert "/busybox\n" in told.stdout and 'VERSION_ID="13"' in told.stdout
    say("podman runs them with runc")

    context = work / "context"
    context.mkdir(exist_ok=True)
    (context / "Dockerfile").write_text(
        f"FROM {pulled}\nRUN [\"/busybox/sh\", \"-c\", \"echo built > /built\"]\nENTRYPOINT [\"/busybox/sh\"]\n")
    run("buildah", *storage, "bud", "-q", "--isolation", "chroot", "-t", "derived", context, env=environment)
    told = run(*podman, "run", "--rm", "--network", "host", "derived", "-c", "cat /built", env=environment)
    assert told.stdout == "built\n"
    say("buildah builds on them")


def structure_tests(place):
    tests = work / "tests.yaml"
    tests.write_text(
        """schemaVersion: "2.0.0"
commandTests:
  - {name: shell, command: /busybox/sh, args: [-c, 'echo hi'], expectedOutput: ['^hi\\n$']}
fileExistenceTests:
  - {name: zone, path: /usr/share/zoneinfo/Europe/Berlin, shouldExist: true, isExecutableBy: ''}
  - {name: tmp, path: /tmp, shouldExist: true, permissions: dtrwxrwxrwx}
  - {name: dpkg, path: /var/lib/dpkg/status, shouldExist: false}
fileContentTests:
  - {name: passwd, path: /etc/passwd, expectedContents: ['nonroot:x:65532:65532:']}
metadataTest:
  entrypoint: [/busybox/sh]
  user: "0"
""")
    run(martlet, "image", "test", f"oci:{place / 'cc'}:debug", "--config", tests)
    assert run(martlet, "image", "test", f"oci:{place / 'cc'}:latest", "--config", tests, check=False).returncode == 1
    say("structure tests run without a daemon")


# Another user runs it too, who may not enter the folder that it is in.
martlet = shutil.copy(martlet, work / "program")
fetch(work)
signatures()
built = reproducibility()
readers(built)
structure_tests(built)
