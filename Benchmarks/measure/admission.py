"""Admission decisions, warm: reviews of a Deployment against a policy, in process and of a server on this machine."""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import time

import pairs
from rows import ROWS
from table import Line

COUNT = 20000
POLICY = """policy: v1
name: release
signers: {release: {keyFile: release.pub}}
builders: [{signer: release, id: "https://builder.example/*", level: 3}]
sources: {repositories: [https://github.com/acme/app], tags: ["v*"]}
buildTypes: {https://build.example/v1: {parameters: {source: {type: map}, target: app}}}
levels: {build: 3}
rules: [{name: built for release, expression: "predicate.buildDefinition.externalParameters.target == 'app'"}]
"""


def prepare(bench):
    root = os.path.join(bench.scratch, "admission")
    os.makedirs(root, exist_ok=True)
    path = lambda name: os.path.join(root, name)
    write = lambda name, text: open(path(name), "w", encoding="utf-8").write(text)
    environment = dict(os.environ, MARTLET_KEY_PASSWORD="benchmark")
    write("artifact", "artifact\n")
    write("release.yaml", POLICY)
    write("predicate.json", json.dumps({
        "buildDefinition": {
            "buildType": "https://build.example/v1",
            "externalParameters": {"source": {"uri": "git+https://github.com/acme/app@refs/tags/v1.2.3"}, "target": "app"}},
        "runDetails": {"builder": {"id": "https://builder.example/one"}}}))
    if not os.path.exists(path("release.key")):
        subprocess.run([bench.program, "key", "generate", "--output", path("release")], check=True, env=environment,
                       stdout=subprocess.DEVNULL)
    subprocess.run([bench.program, "attest", path("artifact"), "--predicate", path("predicate.json"), "--type",
                    "slsaprovenance1", "--key", path("release.key"), "--bundle", path("bundle.json")], check=True,
                   env=environment, stdout=subprocess.DEVNULL)
    digest = hashlib.sha256(b"artifact\n").hexdigest()
    containers = [{"name": "main", "image": f"ghcr.io/acme/app:v1@sha256:{digest}",
                   "env": [{"name": f"NAME_{index}", "value": "value"} for index in range(20)]}]
    review = json.dumps({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
            "resource": {"group": "apps", "version": "v1", "resource": "deployments"}, "operation": "CREATE",
            "userInfo": {"username": "jane"},
            "object": {"metadata": {"name": "app"}, "spec": {"template": {"spec": {"containers": containers}}}}}})
    write("one.jsonl", review + "\n")
    write("many.jsonl", (review + "\n") * COUNT)
    return path


def admission(bench):
    path = prepare(bench)

    def command(name):
        words = [bench.program, "policy", "review", path("release.yaml"), "--bundle", path("bundle.json"), "--summary"]
        return bench.theirs("/", "sh", "-c", f"exec {shlex.join(words)} < {shlex.quote(path(name))}")

    one, many = bench.measure(command("one.jsonl"), command("many.jsonl"))
    rate = (COUNT - 1) / max(many.median - one.median, 1e-9)
    return [Line("15", f"admission decisions in process, of {COUNT}", len(many.runs), f"{rate:.0f}/s", "", "",
                 "≥ 2000/s", rate >= 2000), over_http(bench, path)]


def over_http(bench, path):
    """As an API server asks: TLS, a few connections that stay open, each waiting for its answer."""
    data = path("data")
    shutil.rmtree(data, ignore_errors=True)
    os.makedirs(data + "/admission/evidence")
    for source, target in (("release.yaml", "admission"), ("release.pub", "admission"), ("bundle.json", "admission/evidence")):
        shutil.copy(path(source), f"{data}/{target}")
    with open(path("post.lua"), "w", encoding="utf-8") as file:
        with open(path("one.jsonl"), encoding="utf-8") as review:
            file.write(f'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = [==[{review.read()}]==]\n')
    with open(data + "/serve.yaml", "w", encoding="utf-8") as file:
        file.write("services:\n  admission: {policies: [release.yaml], evidence: evidence}\n")
    server = subprocess.Popen(
        [bench.program, "serve", "--data", data, "--only", "admission", "--tls-self-made", "--listen", "127.0.0.1:0"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=bench.environment)
    try:
        while not os.path.exists(data + "/address"):
            if server.poll() is not None:
                raise pairs.CommandFailed("martlet serve --only admission has ended")
            time.sleep(0.05)
        with open(data + "/address", encoding="utf-8") as file:
            url = file.read().strip() + "/admission/validate"
        answer = subprocess.run(["curl", "-sk", "-H", "Content-Type: application/json", "--data-binary",
                                 "@" + path("one.jsonl"), url], check=True, capture_output=True, text=True).stdout
        if not json.loads(answer)["response"]["allowed"]:
            raise pairs.CommandFailed(f"the review is not allowed: {answer}")
        rates, tails = [], []
        for _ in range(bench.repetitions):
            said = subprocess.run(["wrk", "-t1", "-c4", "-d5", "--latency", "-s", path("post.lua"), url], check=True,
                                  capture_output=True, text=True).stdout
            if "Non-2xx" in said or "Socket errors" in said:
                raise pairs.CommandFailed(said)
            rates.append(float(re.search(r"Requests/sec: +([\d.]+)", said)[1]))
            tail = re.search(r"99% +([\d.]+)(us|ms|s)", said)
            tails.append(float(tail[1]) * {"us": 0.001, "ms": 1, "s": 1000}[tail[2]])
    finally:
        server.terminate()
        server.wait()
    rate, tail = sorted(rates)[len(rates) // 2], sorted(tails)[len(tails) // 2]
    return Line("15", "admission decisions over TLS, for 4 connections of wrk on the same processors", len(rates),
                f"{rate:.0f}/s ({min(rates):.0f} – {max(rates):.0f}), p99 {tail:.1f} ms", "", "", "≥ 2000/s, p99 ≤ 5 ms",
                rate >= 2000 and tail <= 5)


ROWS["admission"] = admission
