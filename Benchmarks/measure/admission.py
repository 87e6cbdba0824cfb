"""Admission decisions in process: reviews of a Deployment against a policy, warm."""

import hashlib
import json
import os
import shlex
import subprocess

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
    return [Line("9", f"admission decisions in process, of {COUNT}", len(many.runs), f"{rate:.0f}/s", "", "",
                 "≥ 2000/s", rate >= 2000)]


ROWS["admission"] = admission
