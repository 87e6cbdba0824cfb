"""Verification beside sigstore-python: a whole process for one bundle, and a batch."""

import json
import os
import subprocess

import pairs
from rows import ROWS
from table import Line, sample

SIGSTORE_PYTHON = "4.5.1"
IDENTITY = ("https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/"
            ".github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main")
ISSUER = "https://token.actions.githubusercontent.com"
BATCH = 4000


def trust_config(bench, trusted):
    """The trusted root in the one form that the peer takes from a file."""
    path = os.path.join(bench.scratch, "trust-config.json")
    documents = []
    for name in (trusted, os.path.join(os.path.dirname(trusted), "signing_config.v0.2.json")):
        with open(name, encoding="utf-8") as file:
            documents.append(json.load(file))
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
                   "trustedRoot": documents[0], "signingConfig": documents[1]}, file)
    return path


def verify(bench):
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    data = os.environ.get("MARTLET_DATA", os.path.join(root, "..", "shared", "data"))
    case = os.path.join(data, "sigstore-conformance", "happy-path-v0.3")
    if not os.path.isdir(case):
        return [Line("8", "verification: no bundles at $MARTLET_DATA", 0, "", "", "", "", None)]
    trusted = os.path.join(data, "sigstore-trust", "public-good", "trusted_root.json")
    bundle = os.path.join(case, "bundle.sigstore.json")
    artifact = os.path.join(data, "sigstore-conformance", "a.txt")
    peer = os.path.join(bench.scratch, "sigstore-python")
    if not os.path.exists(os.path.join(peer, "bin", "sigstore")):
        subprocess.run(["python3", "-m", "venv", peer], check=True)
        subprocess.run([os.path.join(peer, "bin", "pip"), "-q", "install", f"sigstore=={SIGSTORE_PYTHON}"], check=True)
    who = ["--certificate-identity", IDENTITY, "--certificate-oidc-issuer", ISSUER, "--trusted-root", trusted]
    ours = bench.ours("/", "verify-bundle", "--bundle", bundle, *who, artifact)
    theirs = bench.theirs(
        "/", os.path.join(peer, "bin", "sigstore"), "--trust-config", trust_config(bench, trusted), "verify", "identity", "--offline",
        "--bundle", bundle, "--cert-identity", IDENTITY, "--cert-oidc-issuer", ISSUER, artifact)
    one, other = bench.measure(ours, theirs)
    memory = one.peak_bytes / 1e6
    batch = os.path.join(bench.scratch, "batch.jsonl")
    with open(bundle, encoding="utf-8") as file:
        line = file.read().replace("\n", "")
    with open(batch, "w", encoding="utf-8") as file:
        file.write((line + "\n") * BATCH)
    many = bench.measure(bench.ours("/", "verify", "--bundles-only", *who, batch))[0]
    rate = BATCH / many.cpu
    return [
        Line("8", "one bundle 0.3, whole process", len(one.runs), sample(one),
             f"sigstore-python {SIGSTORE_PYTHON} {sample(other)}", f"{pairs.ratio(one, other):.3f}", "≤ 12.0 ms",
             one.median <= 0.012),
        Line("8", "the same, peak memory", len(one.runs), f"{memory:.0f} MB", f"{other.peak_bytes / 1e6:.0f} MB",
             f"{memory / (other.peak_bytes / 1e6):.2f}", "≤ 25 MB", memory <= 25),
        Line("8", f"batch of {BATCH} bundles, per second of processor time", len(many.runs), f"{rate:.0f}/s", "", "",
             "≥ 1800/s/core", rate >= 1800),
    ]


ROWS["verify"] = verify
