"""martlet releases itself, with services of its own: archive, image, bills of materials, provenance.

    release.py MARTLET SIGSTORE-PYTHON WORK [PROGRAM]

PROGRAM is what is released, in place of MARTLET: one that needs no more than the C library.

What is released is verified with the very commands that `martlet release` prints, and by sigstore-python; it is built a
second time from nothing and has the same digests. Then releases are broken off, denied and repeated.
"""
import hashlib, http.server, json, os, shlex, shutil, signal, subprocess, sys, threading, time, urllib.request

MARTLET, SIGSTORE, WORK = (os.path.abspath(word) for word in sys.argv[1:4])
PROGRAM = os.path.abspath(sys.argv[4]) if len(sys.argv) > 4 else MARTLET
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DATA = f"{WORK}/data"
BIN = f"{WORK}/bin"
ENVIRONMENT = {**os.environ, "MARTLET_KEY_PASSWORD": "interop", "MARTLET_ISSUER_SECRET": "hush", "HOME": WORK,
               "XDG_DATA_HOME": f"{WORK}/share", "XDG_CACHE_HOME": f"{WORK}/cache", "SOURCE_DATE_EPOCH": "1700000000",
               "MARTLET_CACHE_DIR": f"{WORK}/cache/martlet", "PATH": f"{BIN}:{os.environ['PATH']}"}
checks = 0


def check(what, holds, why=""):
    global checks
    checks += 1
    if not holds:
        sys.exit(f"release: {what}: {why}")


def run(*words, status=0, cwd=None, **environment):
    done = subprocess.run(words, capture_output=True, text=True, env={**ENVIRONMENT, **environment}, cwd=cwd)
    check(" ".join(words[:6]), done.returncode == status,
          f"{done.returncode} and not {status}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def write(name, content, folder=WORK):
    path = f"{folder}/{name}"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    return path


def files(folder):
    """Everything in a folder with its digest, hidden names included."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            with open(f"{place}/{name}", "rb") as file:
                found[os.path.relpath(f"{place}/{name}", folder)] = hashlib.sha256(file.read()).hexdigest()
    return {name: digest for name, digest in found.items() if not name.startswith(".release")}


def tags(repository):
    try:
        with urllib.request.urlopen(f"{URL}/v2/{repository}/tags/list") as answer:
            return json.load(answer)["tags"] or []
    except urllib.error.HTTPError as error:
        check("the registry answers", error.code == 404, error.code)
        return []


def itself():
    """The release of martlet."""
    clone = f"{WORK}/martlet"
    run("git", "clone", "-q", "--no-hardlinks", ROOT, clone)
    # The tree as it is, also before it is committed.
    for name in ("WORKSPACE.yaml", "BUILD.yaml", "release.yaml", "release/image.yaml", "scripts/stage-release",
                 ".leewayignore", "Package.resolved"):
        if os.path.exists(f"{ROOT}/{name}"):
            os.makedirs(os.path.dirname(f"{clone}/{name}"), exist_ok=True)
            shutil.copy2(f"{ROOT}/{name}", f"{clone}/{name}")
    run(f"{clone}/scripts/stage-release", PROGRAM)
    with urllib.request.urlopen(f"{URL}/trust/config.json") as answer:
        trust = write("trust.json", answer.read())
    root = write("trusted_root.json", json.dumps(json.loads(open(trust).read())["trustedRoot"]))
    words = [MARTLET, "release", "0.1.0", "--keyless", "--issuer-client", "ci", "--builder-id",
             "https://ci.example/builders/main", "--signing-config", trust, "--trusted-root", trust, "--to",
             f"{WORK}/dist", "--image-registry", HOST, "--policy", write("policy.yaml", f"""\
policy: v1
name: our own builds
signers:
  ci: {{identity: https://ci.example/builders/main, issuer: {URL}/identity}}
builders:
  - {{id: "https://martlet.dev/builder:*", signer: ci, level: 2}}
levels: {{build: 2}}
requires:
  - {{predicate: spdx, signers: [ci]}}
"""), "--json"]
    plan = json.loads(run(MARTLET, "release", "0.1.0", "--dry-run", "--json", "--to", f"{WORK}/dist", cwd=clone))
    check("a rehearsal tells both", len(plan["items"]) == 2 and not plan["released"], plan)
    check("a rehearsal publishes nothing", not os.path.exists(f"{WORK}/dist"))
    told = json.loads(run(*words, cwd=clone))
    check("it is released", told["released"] and not told["wasThere"], told)
    dist = f"{WORK}/dist/0.1.0"
    archive = told["files"][0]["name"]
    check("the archive is there", os.path.exists(f"{dist}/{archive}"))
    image = told["images"][0]
    check("the tags are there", sorted(tags("martlet")) == ["0.1.0", "latest"], tags("martlet"))

    # What it tells people to type.
    os.makedirs(BIN)
    os.symlink(MARTLET, f"{BIN}/martlet")
    typed = [command for step in told["check"] for command in step["commands"]]
    for command in typed:
        if command.startswith("martlet trust import"):
            write("share/martlet/trust/.keep", "")
            shutil.rmtree(f"{WORK}/share/martlet/trust")
            shutil.copy2(root, f"{dist}/trusted_root.json")
            run("sh", "-c", command, cwd=dist)
            os.remove(f"{dist}/trusted_root.json")
        else:
            run("sh", "-c", command, cwd=dist)
    check("there is something to type", len(typed) >= 6, typed)
    identity = ["--cert-identity", "https://ci.example/builders/main", "--cert-oidc-issuer", f"{URL}/identity"]
    bundles = told["files"][0]["bundles"]
    check("provenance and two bills are signed", len(bundles) == 3, bundles)
    for bundle in bundles:
        run(SIGSTORE, "--trust-config", trust, "verify", "identity", "--bundle", f"{dist}/{bundle}", *identity,
            f"{dist}/{archive}")
    run(SIGSTORE, "--trust-config", trust, "verify", "identity", "--bundle", f"{dist}/release.sigstore.json",
        *identity, f"{dist}/SHA256SUMS")
    referrers = run(MARTLET, "oci", "tree", f"{HOST}/martlet@{image['digest']}")
    for kind in ("https://slsa.dev/provenance/v1", "https://spdx.dev/Document", "https://cyclonedx.org/bom"):
        check(f"the image has {kind}", kind in referrers, referrers)
    with open(f"{dist}/{archive}.cyclonedx.json") as file:
        names = {component["name"] for component in json.load(file)["components"]}
    if os.path.exists(f"{ROOT}/Package.resolved"):
        check("the bill names what martlet is built from", "swift-crypto" in str(names), names)
    write("tampered/" + archive, open(f"{dist}/{archive}", "rb").read()[:-1] + b"x")
    verify = next(shlex.split(c) for c in typed if c.startswith(f"martlet verify {archive}"))
    shutil.copy2(f"{dist}/{bundles[0]}", f"{WORK}/tampered")
    run(*verify, status=1, cwd=f"{WORK}/tampered")

    # The program in the archive and in the image is the one that was built.
    os.makedirs(f"{WORK}/unpacked")
    run("tar", "-xf", f"{dist}/{archive}", "-C", f"{WORK}/unpacked")
    check("the archive's program runs", run(f"{WORK}/unpacked/martlet", "--version") == run(PROGRAM, "--version"))
    run(MARTLET, "oci", "copy", f"{HOST}/martlet@{image['digest']}", f"oci:{WORK}/layout:latest")
    run(MARTLET, "image", "test", f"oci:{WORK}/layout:latest", "--config", write("tests.yaml", """\
schemaVersion: 2.0.0
commandTests:
  - {name: it runs, command: /usr/bin/martlet, args: [--version], exitCode: 0}
metadataTest:
  entrypoint: [/usr/bin/martlet]
  user: "65532"
"""))

    # The same version again changes nothing, also where no result and no signature is remembered.
    before = files(f"{WORK}/dist")
    again = json.loads(run(*words, cwd=clone))
    check("it was there", again["wasThere"] and again["images"] == told["images"], again)
    fresh = json.loads(run(*words, cwd=clone, MARTLET_CACHE_DIR=f"{WORK}/cache/other"))
    check("built from nothing it is the same", fresh["wasThere"]
          and fresh["images"] == told["images"] and fresh["files"][0]["digest"] == told["files"][0]["digest"], fresh)
    check("nothing has changed", files(f"{WORK}/dist") == before and sorted(tags("martlet")) == ["0.1.0", "latest"])
    # Something else under the same version is refused.
    with open(f"{clone}/README.md", "a") as file:
        file.write("more\n")
    run(*words, cwd=clone, status=1)
    check("what is released stays", files(f"{WORK}/dist") == before)
    # A policy that denies comes before anything is published.
    deny = write("deny.yaml", """\
policy: v1
name: others
signers: {other: {identity: nobody@example.org, issuer: https://issuer.example}}
builders: [{id: "https://martlet.dev/builder:*", signer: other, level: 2}]
levels: {build: 2}
""")
    run(*[word.replace("0.1.0", "0.2.0") for word in words], "--policy", deny, cwd=clone, status=1)
    check("nothing was published", files(f"{WORK}/dist") == before and "0.2.0" not in tags("martlet"))


class Web(http.server.BaseHTTPRequestHandler):
    """A server that takes files; from the file called `broken` on, it takes none."""
    content, order, broken = {}, [], None

    def do_GET(self):
        body = Web.content.get(self.path)
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        allowed = self.headers.get("Authorization") == "Bearer token" and not (Web.broken and Web.broken in self.path)
        if allowed:
            Web.content[self.path] = body
            Web.order.append(self.path)
        self.send_response(201 if allowed else 403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words):
        pass


class Stalled(http.server.BaseHTTPRequestHandler):
    """A registry that takes everything but tags, and never answers about those."""
    reached = threading.Event()

    def relay(self):
        if self.command == "PUT" and "/manifests/" in self.path and "sha256:" not in self.path:
            Stalled.reached.set()
            threading.Event().wait(120)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        import http.client
        connection = http.client.HTTPConnection(HOST, timeout=60)
        fields = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        connection.request(self.command, self.path, body=body, headers=fields)
        answer = connection.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection") or self.command == "HEAD":
                self.send_header(name, value.replace(HOST, self.headers["Host"]))
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        connection.close()

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = relay

    def log_message(self, *words):
        pass


def serve(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"127.0.0.1:{server.server_port}"


def small():
    """Releases with a key that go wrong."""
    team = f"{WORK}/team"
    write("WORKSPACE.yaml", "defaultTarget: //:app\n", team)
    write("BUILD.yaml", """\
packages:
- {name: app, type: generic, srcs: [words.txt]}
- {name: image, type: image, srcs: [image.yaml, words.txt]}
""", team)
    write("image.yaml", "name: app\narchitectures: [amd64]\nfiles: [{path: /words.txt, source: words.txt}]\n", team)
    write("words.txt", "words\n", team)
    write("release.yaml", """\
name: app
archives: [{package: "//:app", file: "app-{version}.tar.gz"}]
images: [{package: "//:image", repository: registry.example.org/team/app}]
""", team)
    run(MARTLET, "key", "generate", "--output", f"{WORK}/release")
    key = [f"{WORK}/release.key" if os.path.exists(f"{WORK}/release.key") else f"{WORK}/release"]
    web = serve(Web)
    words = [MARTLET, "release", "1", "--sign", "--key", key[0], "--public-key", f"{WORK}/release.pub", "--to",
             f"http://{web}/files", "--image-registry", HOST, "--quiet"]
    run(*words, cwd=team, status=3)
    check("without a name nobody may publish", not Web.content)
    Web.broken = "SHA256SUMS"
    run(*words, cwd=team, status=3, MARTLET_RELEASE_AUTHORIZATION="Bearer token")
    check("what broke off is no release", not any("release.sigstore.json" in path for path in Web.content), Web.order)
    Web.broken = None
    text = run(*words, cwd=team, MARTLET_RELEASE_AUTHORIZATION="Bearer token")
    check("the statement is last", Web.order[-1] == "/files/1/release.sigstore.json", Web.order)
    check("people are told what to type", f"martlet verify app-1.tar.gz --key {WORK}/release.pub" in text, text)
    text = run(*words, cwd=team, MARTLET_RELEASE_AUTHORIZATION="Bearer token")
    check("once is enough", "released before" in text, text)
    for path, content in Web.content.items():
        write("web" + path, content)
    run(MARTLET, "verify", "app-1.tar.gz", "--key", f"{WORK}/release.pub", cwd=f"{WORK}/web/files/1")

    # Killed in the middle: no tag, no folder of this version, and the next try succeeds.
    stalled = serve(Stalled)
    words = [MARTLET, "release", "2", "--sign", "--key", key[0], "--to", f"{WORK}/small", "--quiet"]
    process = subprocess.Popen([*words, "--image-registry", stalled], cwd=team, env=ENVIRONMENT,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not Stalled.reached.wait(0.1):
        if process.poll() is not None:
            sys.exit(f"release: it ended before it got there: {process.stderr.read()}")
    process.send_signal(signal.SIGKILL)
    process.wait()
    check("nothing says that it is there", not os.path.exists(f"{WORK}/small/2") and "2" not in tags("team/app"),
          os.listdir(f"{WORK}/small"))
    run(*words, "--image-registry", HOST, cwd=team)
    check("then it is there", os.path.exists(f"{WORK}/small/2/release.sigstore.json") and "2" in tags("team/app"))
    check("what was left is gone", not [n for n in os.listdir(f"{WORK}/small") if "partial" in n])
    # A tag of this version that somebody else has set is not moved.
    with urllib.request.urlopen(f"{URL}/v2/team/app/manifests/2") as answer:
        manifest, kind = answer.read(), answer.headers["Content-Type"]
    other = json.loads(manifest)
    other.setdefault("annotations", {})["other"] = "yes"
    request = urllib.request.Request(f"{URL}/v2/team/app/manifests/3", json.dumps(other).encode(),
                                     {"Content-Type": kind}, method="PUT")
    urllib.request.urlopen(request).close()
    run(*[word if word != "2" else "3" for word in words], "--image-registry", HOST, cwd=team, status=1)
    check("it published nothing", not os.path.exists(f"{WORK}/small/3"))
    # Another machine releases what the remote cache has, and builds nothing.
    shared = ["--remote-cache", f"{WORK}/shared", "--cache-policy", f"{WORK}/release.pub"]
    run(MARTLET, "build", "--quiet", "--sign", "--key", key[0], *shared, "//:image", cwd=team)
    spans = f"{WORK}/another.json"
    run(*[word if word != "2" else "4" for word in words], "--image-registry", HOST, *shared, "--otlp", spans, cwd=team,
        MARTLET_CACHE_DIR=f"{WORK}/cache/another")
    with open(spans) as file:
        count = [one["value"]["intValue"] for scope in json.load(file)["resourceSpans"][0]["scopeSpans"]
                 for span in scope["spans"] for one in span["attributes"] if one["key"] == "leeway.packages.to_build"]
    check("only what the remote cache lacks is built", count == ["1"], count)


os.makedirs(WORK, exist_ok=True)
run(MARTLET, "authority", "init", "--organization", "Example", "--dir", f"{DATA}/authority")
run(MARTLET, "authority", "client", "ci", "--builds", "https://ci.example/builders", "--dir", f"{DATA}/authority",
    "--secret-file", write("secret", b"hush\n"))
server = subprocess.Popen([MARTLET, "serve", "--data", DATA, "--listen", "127.0.0.1:0"], env=ENVIRONMENT,
                          stdout=subprocess.DEVNULL)
try:
    while not os.path.exists(f"{DATA}/address"):
        if server.poll() is not None:
            sys.exit("release: the server did not start")
        time.sleep(0.05)
    with open(f"{DATA}/address") as file:
        URL = file.read().strip()
    HOST = URL.split("//")[1]
    small()
    itself()
finally:
    server.terminate()
    server.wait(60)
print(f"martlet releases itself ({checks} checks)")
