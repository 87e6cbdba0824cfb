"""The store of statements: import, size of the index, and questions, over generated statements."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import time

from rows import ROWS
from table import Line, duration, sample

COUNT = 1_000_000


def digest(number):
    return hashlib.sha256(b"artifact %d" % number).hexdigest()


def envelope(number):
    """Provenance of an artifact made from earlier ones, a commit and packages; the same for the same number."""
    dependencies = [{"uri": f"git+https://example.org/team/repo{number % 50}@refs/heads/main",
                     "digest": {"gitCommit": hashlib.sha1(b"commit %d" % (number // 20)).hexdigest()}}]
    dependencies += [{"digest": {"sha256": digest(number - step)}} for step in (1, 7) if number >= step and number % 10]
    dependencies += [{"uri": f"pkg:npm/package-{(number * 31 + step * 17) % 5000}@1.{number % 7}.0"} for step in (0, 1)]
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": f"team/component-{number % 1000}", "digest": {"sha256": digest(number)}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {"buildType": "https://example.org/build/v1", "externalParameters": {},
                                "resolvedDependencies": dependencies},
            "runDetails": {"builder": {"id": f"https://example.org/builder:1.{number % 40}"},
                           "metadata": {"startedOn": "2026-01-01T00:00:00Z"}}}}
    payload = base64.b64encode(json.dumps(statement, separators=(",", ":")).encode()).decode()
    return json.dumps({"payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": []})


def lineage(bench):
    count = int(os.environ.get("MARTLET_BENCH_STATEMENTS", COUNT))
    statements = os.path.join(bench.scratch, f"statements-{count}.jsonl")
    if not os.path.exists(statements):
        with open(statements + ".part", "w", encoding="utf-8") as file:
            for number in range(count):
                file.write(envelope(number) + "\n")
        os.rename(statements + ".part", statements)
    store = os.path.join(bench.scratch, "lineage")
    shutil.rmtree(store, ignore_errors=True)
    start = time.monotonic()
    subprocess.run([bench.program, "lineage", "import", "--unverified", "--store", store, statements], check=True,
                   stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - start
    status = json.loads(subprocess.run([bench.program, "lineage", "status", "--json", "--store", store], check=True,
                                       capture_output=True, text=True).stdout)
    bytes_per_edge = status["indexBytes"] / status["edges"]
    rate = count / seconds
    lines = [
        Line("16", f"import of {count} statements", 1, f"{rate:.0f}/s ({duration(seconds)})", "", "", "≥ 20000/s", rate >= 20000),
        Line("16", f"index of {status['edges']} edges, per edge", 1, f"{bytes_per_edge:.0f} bytes", "", "", "≤ 200",
             bytes_per_edge <= 200),
    ]
    middle = count // 2
    questions = {
        "a package of one version": "package-17@1.3.0",
        "a digest": "sha256:" + digest(middle + 1),
        "a commit": hashlib.sha1(b"commit %d" % (middle // 20)).hexdigest(),
        "a builder of any version, up to the limit": "https://example.org/builder",
    }
    for what, query in questions.items():
        ours = bench.measure(bench.ours("/", "who-uses", query, "--store", store, "--limit", "1000", "--json"))[0]
        lines.append(Line("16", f"who-uses {what}, whole process", len(ours.runs), sample(ours), "", "", "≤ 50 ms",
                          ours.median <= 0.05))
    return lines


ROWS["lineage"] = lineage
