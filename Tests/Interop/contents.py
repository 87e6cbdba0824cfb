"""Bills of materials, versions and scores, beside the tools that define them.

Usage: contents.py MARTLET WORK. Needs spdx-tools, cyclonedx-python-lib with its schemas, spdx-python-model,
packageurl-python, packaging and cvss; dpkg where it is installed.
"""

import json
import os
import random
import shutil
import subprocess
import sys

import cvss
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.version import InvalidVersion, Version
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

martlet, work = sys.argv[1], sys.argv[2]
checks = failures = 0


def check(holds, what):
    global checks, failures
    checks += 1
    if not holds:
        failures += 1
        print("contents: " + what, file=sys.stderr)


def run(*arguments, status=(0,)):
    environment = dict(os.environ, SOURCE_DATE_EPOCH="1700000000")
    done = subprocess.run([martlet, *arguments], capture_output=True, text=True, env=environment)
    check(done.returncode in status, f"{arguments[:3]} gave {done.returncode}: {done.stderr[:500]}")
    return done.stdout


def write(name, text):
    path = os.path.join(work, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    return path


# A project with several lock files, one of them written by npm itself.
sha = "ab" * 32
write("project/Cargo.lock", f'[[package]]\nname = "serde"\nversion = "1.0.1"\nsource = "registry+https://x"\nchecksum = "{sha}"\n')
write("project/go.mod", "module example.org/x\n\ngo 1.21\n\nrequire github.com/BurntSushi/toml v1.3.2\n")
write("project/requirements.txt", f"Django==4.2 --hash=sha256:{sha}\n")
write("project/Package.resolved", json.dumps({"version": 2, "pins": [{"identity": "swift-nio", "kind": "remoteSourceControl", "location": "https://github.com/apple/swift-nio.git", "state": {"revision": "ab" * 20, "version": "2.0.0"}}]}))
write("project/composer.lock", json.dumps({"packages": [{"name": "a/b", "version": "1.0", "license": ["MIT", "what ever"], "source": {"reference": "cd" * 20}}]}))
write("project/var/lib/dpkg/status", "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nSource: glibc\nVersion: 2.36-9+deb12u4\n\n")
write("project/etc/os-release", 'ID=debian\nVERSION_ID="12"\n')
if shutil.which("npm"):
    write("npm/dep/package.json", '{"name": "@s/dep", "version": "1.2.3", "license": "MIT"}')
    write("npm/app/package.json", '{"name": "app", "version": "1.0.0", "dependencies": {"@s/dep": "file:../s-dep-1.2.3.tgz"}}')
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True}
    subprocess.run(["npm", "pack", "./dep"], cwd=os.path.join(work, "npm"), **quiet)
    for version in "123":
        subprocess.run(["npm", "install", "--offline", "--package-lock-only", "--lockfile-version", version], cwd=os.path.join(work, "npm/app"), **quiet)
        bill = json.loads(run("sbom", "export", os.path.join(work, "npm/app"), "--format", "cyclonedx"))
        found = [(c["name"], c["version"], c["hashes"][0]["alg"]) for c in bill["components"]]
        check(found[0][0] == "@s/dep" and found[0][2] == "SHA-512", f"npm's lock file of version {version}: {found}")

project = os.path.join(work, "project")
documents = {}
for name in ("spdx", "spdx3", "cyclonedx", "cyclonedx-1.5"):
    path = os.path.join(work, f"bill.{name}.spdx.json" if name.startswith("spdx") else f"bill.{name}.json")
    run("sbom", "export", project, "--format", name, "-o", path)
    first = open(path, "rb").read()
    run("sbom", "export", project, "--format", name, "-o", path)
    check(first == open(path, "rb").read(), f"{name} is the same twice")
    documents[name] = path

document = parse_file(documents["spdx"])
problems = validate_full_spdx_document(document)
check(not problems, f"spdx-tools: {[p.validation_message for p in problems][:5]}")
check(len(document.packages) == 7, f"spdx-tools reads {len(document.packages)} packages")
for version, name in ((SchemaVersion.V1_6, "cyclonedx"), (SchemaVersion.V1_5, "cyclonedx-1.5")):
    error = JsonStrictValidator(version).validate_str(open(documents[name]).read())
    check(error is None, f"CycloneDX schema: {error}")
purls = [c["purl"] for c in json.load(open(documents["cyclonedx"]))["components"]]
for purl in purls:
    check(PackageURL.from_string(purl).to_string() == purl, f"packageurl spells {purl} otherwise")
check("pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12" in purls, f"no libc6 in {purls}")
try:
    from spdx_python_model import v3_0_1 as spdx3
    objects = spdx3.SHACLObjectSet()
    with open(documents["spdx3"], "rb") as file:
        spdx3.JSONLDDeserializer().read(file, objects)
    packages = list(objects.foreach_type(spdx3.software_Package))
    check(len(packages) == 7, f"spdx-python-model reads {len(packages)} packages")
    missing = objects.link()
    check(not missing, f"spdx-python-model misses {missing}")
except ImportError:
    print("contents: skipped SPDX 3, spdx-python-model is absent")

# Random versions: each pair is an advisory that is fixed in the second one, about a package of the first.
chance = random.Random(7)


def scan(pairs, ecosystem, purl, name):
    components, advisories = [], []
    for index, (left, right) in enumerate(pairs):
        components.append({"type": "library", "name": f"p{index}", "version": left, "purl": str(purl(f"p{index}", left)), "bom-ref": str(index)})
        advisories.append({"id": f"A-{index}", "affected": [{"package": {"ecosystem": ecosystem, "name": f"p{index}"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": right}]}]}]})
    bill = write(f"{name}.cdx.json", json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components}))
    osv = write(f"{name}.osv.json", json.dumps(advisories))
    report = json.loads(run("sbom", "scan", bill, "--advisories", osv, "--json", "--distribution", "debian-12", status=(0, 1)))
    return {int(finding["id"][2:]) for finding in report["findings"]}


def debian_version():
    def part():
        return "".join(chance.choice(["0", "1", "2", "10", "09", ".", "a", "b", "~", "+", "~rc", "dfsg"]) for _ in range(chance.randint(1, 5)))
    return ("1:" if chance.random() < 0.2 else "") + chance.choice("0123") + part() + ("-" + part() if chance.random() < 0.5 else "")


if shutil.which("dpkg"):
    pairs = [(debian_version(), debian_version()) for _ in range(1500)]
    pairs += [(left, left + chance.choice(["~", "+", "-1", ".0", "a"])) for left, _ in pairs[:500]]
    found = scan(pairs, "Debian:12", lambda name, version: PackageURL("deb", "debian", name, version), "debian")
    for index, (left, right) in enumerate(pairs):
        lower = subprocess.run(["dpkg", "--compare-versions", left, "lt", right], stderr=subprocess.DEVNULL).returncode == 0
        check(lower == (index in found), f"dpkg: {left} < {right} is {lower}")


def python_version():
    text = ("1!" if chance.random() < 0.1 else "") + ".".join(str(chance.randint(0, 3)) for _ in range(chance.randint(1, 3)))
    text += chance.choice(["", "", "a1", ".b2", "-rc.1", "c3", "alpha"]) + chance.choice(["", "", ".post1", "-1", ".rev2"])
    return text + chance.choice(["", "", ".dev0", "dev3"]) + chance.choice(["", "", "+local.1", "+5", "+abc"])


pairs = [(python_version(), python_version()) for _ in range(2000)]
found = scan(pairs, "PyPI", lambda name, version: PackageURL("pypi", None, name, version), "python")
for index, (left, right) in enumerate(pairs):
    try:
        lower = Version(left) < Version(right)
    except InvalidVersion:
        continue
    check(lower == (index in found), f"packaging: {left} < {right} is {lower}")

maven = "/usr/share/maven/lib"
jar = next((os.path.join(maven, n) for n in sorted(os.listdir(maven)) if n.startswith("maven-artifact")), None) if os.path.isdir(maven) else None
if jar and shutil.which("java"):
    def maven_version():
        words = ["1", "2", "10", "0", "alpha", "beta-1", "rc", "SNAPSHOT", "ga", "final", "sp", "x", "a1", "m2", "RELEASE", "cr1"]
        return "1" + "".join(chance.choice(".-") + chance.choice(words) for _ in range(chance.randint(0, 4)))
    pairs = [(maven_version(), maven_version()) for _ in range(600)]
    others = [v for pair in pairs for v in pair]
    path = ":".join(os.path.join(maven, n) for n in os.listdir(maven) if n.endswith(".jar"))
    lines = subprocess.run(["java", "-cp", path, "org.apache.maven.artifact.versioning.ComparableVersion", *others], capture_output=True, text=True).stdout.splitlines()
    orders = [line.split()[1] for line in lines if line.startswith("   ")]
    components, advisories = [], []
    for index in range(len(others) - 1):
        components.append({"type": "library", "name": "x", "version": others[index], "purl": PackageURL("maven", "g", f"p{index}", others[index]).to_string(), "bom-ref": str(index)})
        advisories.append({"id": f"A-{index}", "affected": [{"package": {"ecosystem": "Maven", "name": f"g:p{index}"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": others[index + 1]}]}]}]})
    bill = write("maven.cdx.json", json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components}))
    osv = write("maven.osv.json", json.dumps(advisories))
    report = json.loads(run("sbom", "scan", bill, "--advisories", osv, "--json", status=(0, 1)))
    found = {int(finding["id"][2:]) for finding in report["findings"]}
    for index, order in enumerate(orders):
        check((order == "<") == (index in found), f"maven: {others[index]} {order} {others[index + 1]}")

# Scores of random vectors.
metrics3 = {"AV": "NALP", "AC": "LH", "PR": "NLH", "UI": "NR", "S": "UC", "C": "HLN", "I": "HLN", "A": "HLN"}
metrics4 = {"AV": "NALP", "AC": "LH", "AT": "NP", "PR": "NLH", "UI": "NPA", "VC": "HLN", "VI": "HLN", "VA": "HLN", "SC": "HLN", "SI": "HLN", "SA": "HLN"}
extra4 = {"E": "XAPU", "CR": "XHML", "IR": "XHML", "AR": "XHML", "MAV": "XNALP", "MAC": "XLH", "MVC": "XHLN", "MSI": "XNLHS", "MSA": "XNLHS", "MSC": "XNLH", "S": "XNP"}
vectors = []
for _ in range(1500):
    vectors.append(f"CVSS:3.{chance.randint(0, 1)}/" + "/".join(f"{k}:{chance.choice(v)}" for k, v in metrics3.items()))
    vector = "CVSS:4.0/" + "/".join(f"{k}:{chance.choice(v)}" for k, v in metrics4.items())
    if chance.random() < 0.5:
        vector += "".join(f"/{k}:{chance.choice(v)}" for k, v in extra4.items() if chance.random() < 0.5)
    vectors.append(vector)
components = [{"type": "library", "name": f"p{i}", "version": "1", "purl": f"pkg:npm/p{i}@1", "bom-ref": str(i)} for i in range(len(vectors))]
advisories = [{"id": f"A-{i}", "severity": [{"type": "CVSS_V4" if "4.0" in v else "CVSS_V3", "score": v}], "affected": [{"package": {"ecosystem": "npm", "name": f"p{i}"}, "versions": ["1"]}]} for i, v in enumerate(vectors)]
bill = write("scores.cdx.json", json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components}))
osv = write("scores.osv.json", json.dumps(advisories))
report = json.loads(run("sbom", "scan", bill, "--advisories", osv, "--json", status=(0, 1)))
scores = {int(finding["id"][2:]): finding.get("score") for finding in report["findings"]}
for index, vector in enumerate(vectors):
    wanted = float(cvss.CVSS4(vector).base_score) if "4.0" in vector else float(cvss.CVSS3(vector).scores()[0])
    check(scores.get(index) == wanted, f"cvss: {vector} is {wanted}, not {scores.get(index)}")

print(f"contents: {checks} checks, {failures} failed")
sys.exit(1 if failures else 0)
