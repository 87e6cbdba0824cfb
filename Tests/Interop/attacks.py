"""Attacks on the way from a commit to an artifact, each by somebody who has more than they should: write access to a
cache, its password, a good identity of their own, a step of a build, an old copy of the trust root. None gets a wrong
artifact in, and each is told why.

    attacks.py MARTLET WORK

A table of attack, way and reason ends the output. What steps try against the build service is in service.py, what a
repository can do to a trust root in updates.py, what becomes of every cut connection in caches.py.
"""
import base64, hashlib, http.server, json, os, pathlib, shutil, socket, subprocess, sys, threading, urllib.error, urllib.parse, urllib.request

from suite import Serving, Suite

MARTLET, WORK = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": str(WORK), "MARTLET_KEY_PASSWORD": "the passphrase"}
suite = Suite("attacks", ENVIRONMENT)
check, run = suite.check, suite.run
table = []

WORKSPACE = {
    "WORKSPACE.yaml": """defaultTarget: app:app
defaultArgs: {greeting: hello}
variants: [{name: poisoned, env: [VOICE=poison]}]
""",
    "lib/BUILD.yaml": """packages:
- {name: base, type: generic, srcs: ["*.txt"], config: {commands: [[sh, -c, "head -c 3000000 /dev/zero | tr '\\\\0' b > large; ln -s large link"]]}}
- {name: lib, type: generic, deps: [":base"], config: {commands: [[sh, -c, "wc -c < lib--base/large > size; chmod 755 size"]]}}
""",
    "lib/words.txt": "words\n",
    "app/BUILD.yaml": """packages:
- {name: app, type: generic, srcs: ["*.txt"], deps: ["lib:lib"], env: [VOICE=plain], config: {commands: [[sh, -c, "{ echo ${greeting} $VOICE; cat lib--lib/size *.txt; } > out"]]}}
""",
    "app/app.txt": "app\n",
    "secret.txt": "secret\n",
}
PACKAGES = ["app:app", "lib:base", "lib:lib"]
IDENTITY = "https://ci.example/builders"
SIGN = ["--sign", "--key", str(WORK / "ci.key")]
POLICY = ["--cache-policy", str(WORK / "ci.pub")]


def refused(attack, way, said, reason):
    """The attack was refused, with its reason among what was said."""
    check(f"{attack}: {way}: the reason", reason in said, said)
    table.append((attack, way, reason))


class Machine:
    """A clone of the workspace with a home and a cache of its own."""
    count = 0

    def __init__(self):
        Machine.count += 1
        self.root = WORK / f"machine{Machine.count}"
        self.root.mkdir()
        run("git", "clone", "-q", WORK / "origin", self.root / "ws")
        run("git", "-C", self.root / "ws", "remote", "set-url", "origin", "https://git.example/team/ws.git")
        self.environment = {**ENVIRONMENT, "HOME": str(self.root), "MARTLET_CACHE_DIR": str(self.root / "cache")}

    def martlet(self, *words, status=0, **more):
        return run(MARTLET, *words, status=status, cwd=self.root / "ws", env={**self.environment, **more})

    def build(self, *words, **more):
        """What became of each package, and what was said; the artifact is saved, for which every byte is read."""
        done = self.martlet("build", "app:app", "--json", "--save", "../app.tar", "--no-embed", *words, **more)
        return {package["name"]: package["result"] for package in json.loads(done.stdout)["packages"]}, done.stderr

    @property
    def digest(self):
        return hashlib.sha256((self.root / "app.tar").read_bytes()).hexdigest()

    def write(self, name, text):
        (self.root / "ws" / name).write_text(text)

    def remove(self):
        subprocess.run(["chmod", "-R", "u+w", str(self.root)])
        shutil.rmtree(self.root)


def files(share, what):
    return sorted(path for path in (share / "v1" / what).rglob("*") if path.is_file())


def against_cache(attack, way, reason, change, *policy, share=None, built=("app:app",)):
    """A victim builds with a copy of the cache that `change` was done to; it must say `reason` and be right."""
    copy = WORK / f"attacked-{Machine.count}"
    shutil.copytree(share or WORK / "share", copy)
    change(copy)
    victim = Machine()
    results, said = victim.build("--remote-cache", str(copy), *(policy or POLICY))
    for package in built:
        check(f"{attack}: {way}: {package} is built here", results[package] == "built", (results, said))
    check(f"{attack}: {way}: the artifact is right", victim.digest == DIGEST)
    refused(attack, way, said, reason)
    victim.remove()
    shutil.rmtree(copy)


def poison():
    attack = "variant and argument poison"
    share = WORK / "poisoned"
    shutil.copytree(WORK / "share", share)
    honest = {path.relative_to(share) for path in files(share, "entries")}
    for way, words in (("an argument", ["-Dgreeting=poison"]), ("a variant", ["--variant", "poisoned"])):
        # Somebody has the trusted machine itself build with it: a good signature about another build.
        trusted = Machine()
        results, _ = trusted.build("--remote-cache", str(share), *POLICY, *SIGN, *words)
        check(f"{attack}: {way} is another build", results["app:app"] == "built" and trusted.digest != DIGEST, results)
        # In the same local cache, the usual build is not mistaken for it, and comes from its own entry.
        results, said = trusted.build("--remote-cache", str(share), *POLICY)
        check(f"{attack}: {way} does not last", trusted.digest == DIGEST, (results, said))
        check(f"{attack}: {way}: nothing was wrong", "remote cache" not in said, said)
        trusted.remove()
        new = [path for path in files(share, "entries") if path.relative_to(share) not in honest]
        poisoned = [path for path in new if is_of(path, "app:app")]
        check(f"{attack}: {way} has an entry", len(poisoned) == 1, new)

        def move(copy, source=poisoned[0].relative_to(share)):
            target = copy / next(path for path in honest if is_of(copy / path, "app:app"))
            shutil.copy(copy / source, target)

        against_cache(attack, f"the entry of {way} moved", "not the one that was asked for", move, share=share)
        for path in new:
            path.unlink()
    victim = Machine()
    victim.build("-c", "none", VOICE="poison", greeting="poison")
    check(f"{attack}: the caller's environment", victim.digest == DIGEST)
    table.append((attack, "the caller's environment", "not seen by the step"))
    victim.remove()


def is_of(entry, package):
    return package in base64.b64decode(json.loads(entry.read_bytes())["entry"]["dsseEnvelope"]["payload"]).decode()


def undeclared():
    attack = "undeclared input"
    machine = Machine()
    (machine.root / "elsewhere").write_text("secret\n")
    ways = {"a file of the repository": "cat ../secret.txt || find / -name secret.txt 2>/dev/null | grep .",
            "a file beside the declared ones": "cat undeclared.dat",
            "a file of the machine": f"cat {machine.root}/elsewhere",
            "a folder of the machine": f"ls {WORK}",
            "the home": "test -n \"$(ls -A $HOME)\"",
            "a variable": "test -n \"$MARTLET_KEY_PASSWORD$SECRET\"",
            "a server of the machine": "python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", PORT))'"}
    listener = socket.create_server(("127.0.0.1", 0))
    ways["a server of the machine"] = ways["a server of the machine"].replace("PORT", str(listener.getsockname()[1]))
    for way, command in ways.items():
        machine.write("app/BUILD.yaml", "packages:\n- name: app\n  type: generic\n  srcs: ['*.txt']\n  config:\n    commands:\n"
                                        f"    - [sh, -c, {json.dumps(f'({command}) > out')}]\n")
        done = machine.martlet("build", "app:app", status=1, SECRET="secret")
        check(f"{attack}: {way}: nothing of it is told", "secret\n" not in done.stdout + done.stderr, done.stderr)
        table.append((attack, way, "not to be seen from the step, which fails"))
    listener.close()
    # Without walls a step can read it, and nobody else is given the result.
    machine.write("app/BUILD.yaml", "packages:\n- {name: app, type: generic, srcs: ['*.txt'], config: {commands: "
                                    f"[[sh, -c, 'cat {machine.root}/elsewhere > out']]}}}}\n")
    share = machine.root / "share"
    remote = ["--remote-cache", str(share), *POLICY]
    done = machine.martlet("build", "app:app", *remote, *SIGN, "--sandbox", "off", status=2)
    refused(attack, "a signature for a step without a sandbox", done.stderr, "not signed where steps are not kept apart")
    _, said = machine.build(*remote, "--sandbox", "off")
    check(f"{attack}: no entry of it", not files(share, "entries"), said)
    refused(attack, "a result of a step without a sandbox", said, "never shared")
    # With the sandbox again, what was built without is no hit.
    machine.martlet("build", "app:app", *remote, *SIGN, status=1)
    machine.remove()


def replay():
    attack = "replay of A's artifact and attestation under B"

    def swap(copy):
        entries = files(copy, "entries")
        contents = [path.read_bytes() for path in entries]
        for path, content in zip(entries, contents[1:] + contents[:1]):
            path.write_bytes(content)

    against_cache(attack, "entries of the cache", "not the one that was asked for", swap, built=PACKAGES)
    machine = Machine()
    for package, name in (("app:app", "app.tar.gz"), ("lib:lib", "lib.tar.gz")):
        machine.martlet("build", package, *SIGN, "--save", f"../{name}")
    app, lib = machine.root / "app.tar.gz", machine.root / "lib.tar.gz"
    good = run(MARTLET, "verify", app, "--key", WORK / "ci.pub")
    check(f"{attack}: the right ones go together", good.returncode == 0)
    done = run(MARTLET, "verify", app, "--bundle", f"{lib}.sigstore.json", "--key", WORK / "ci.pub", status=1)
    refused(attack, "A's bundle for B's artifact", done.stdout + done.stderr, "the statement is about something else")
    # Both of A, where B is expected: all is signed and belongs together, and is not what was asked for.
    policy = WORK / "app.yaml"
    policy.write_text(f"""policy: v1
name: app
signers: {{ci: {{keyFile: {WORK}/ci.pub}}}}
builders: [{{signer: ci, id: "**", level: 2}}]
buildTypes:
  https://martlet.dev/build/v1:
    parameters:
      package: app:app
      type: generic
      arguments: {{type: map}}
      configuration: {{type: map}}
      variant: {{type: string, optional: true}}
""")
    run(MARTLET, "policy", "check", policy, "--artifact", app, "--bundle", f"{app}.sigstore.json")
    done = run(MARTLET, "policy", "check", policy, "--artifact", lib, "--bundle", f"{lib}.sigstore.json", status=1)
    refused(attack, "A's artifact with A's bundle", done.stdout + done.stderr, "lib:lib")
    machine.remove()


def identities(server):
    attack = "foreign but valid identity"
    against_cache(attack, "another key", "signature of its entry", lambda copy: None, "--cache-policy", str(WORK / "other.pub"),
                  built=PACKAGES)
    # Two builders of one authority, each with a certificate of its own name.
    trust = WORK / "trust.json"
    ENVIRONMENT["MARTLET_TRUSTED_ROOT"] = str(trust)
    trust.write_bytes(urllib.request.urlopen(f"{server.url}/trust/config.json").read())
    signing = WORK / "signing.json"
    signing.write_text(json.dumps(json.loads(trust.read_text())["signingConfig"]))

    def policy(name, **claims):
        path = WORK / f"{name}.yaml"
        path.write_text(f"policy: v1\nname: {name}\nsigners:\n  ci:\n    issuer: {server.url}/identity\n"
                        f"    identity: {IDENTITY}/main\n" + (f"    claims: {json.dumps(claims)}\n" if claims else "")
                        + "sources: {repositories: [https://git.example/team/ws], clean: true}\n")
        return ["--cache-policy", str(path)]

    def keyless(share, builder, machine):
        return machine.build(
            "--remote-cache", str(share), *policy("main"), "--sign", "keyless", "--issuer-client", "ci",
            "--issuer-secret-file", str(WORK / "secret"), "--builder-id", f"{IDENTITY}/{builder}", "--signing-config",
            str(signing), "--trusted-root", str(trust))

    shares = {}
    for builder in ("main", "other"):
        machine = Machine()
        shares[builder] = WORK / f"keyless-{builder}"
        keyless(shares[builder], builder, machine)
        machine.remove()
    good = Machine()
    results, said = good.build("--remote-cache", str(shares["main"]), *policy("main"))
    check(f"{attack}: the right one counts", set(results.values()) == {"cached"}, (results, said))
    good.remove()
    against_cache(attack, "another builder of the same authority", "is signed by a signer of the policy", lambda copy: None,
                  *policy("main"), share=shares["other"], built=PACKAGES)
    machine = Machine()
    done = machine.martlet("build", "app:app", "--sign", "keyless", "--issuer-client", "ci", "--issuer-secret-file",
                           WORK / "secret", "--builder-id", "https://ci.example/elsewhere", "--signing-config", signing,
                           "--trusted-root", trust, "--save", "../app.tar", status=1)
    check(f"{attack}: nothing is saved", not (machine.root / "app.tar").exists())
    refused(attack, "a builder that the program may not be", done.stderr, "the client may not say that it is this builder")
    machine.remove()

    # The same machine and the same builder, for a branch that anybody may push to.
    attack = "pull-request ref writing a trusted key"
    machine = Machine()
    run("git", "-C", machine.root / "ws", "checkout", "-q", "-b", "pull-17")
    share = WORK / "keyless-pull"
    keyless(share, "main", machine)
    machine.remove()
    against_cache(attack, "a trusted builder at another ref", "is signed by a signer of the policy", lambda copy: None,
                  *policy("refs", sourceRepositoryRef="refs/heads/main"), share=share, built=PACKAGES)
    good = Machine()
    results, said = good.build("--remote-cache", str(shares["main"]), *policy("refs", sourceRepositoryRef="refs/heads/main"))
    check(f"{attack}: the trusted ref counts", set(results.values()) == {"cached"}, (results, said))
    good.remove()


def pull_requests():
    """A pull request reads what is trusted and writes its own; moving that does not make it trusted."""
    attack = "pull-request ref writing a trusted key"
    share = WORK / "namespaces"
    shutil.copytree(WORK / "share", share)
    change = "pull request\n"
    contributor = Machine()
    contributor.write("app/app.txt", change)
    results, said = contributor.build(
        "--remote-cache", str(share), "--cache-namespace", "pr/17", "--cache-policy", f"main={WORK}/ci.pub",
        "--cache-policy", f"pr/17={WORK}/other.pub", "--sign", "--key", str(WORK / "other.key"))
    check(f"{attack}: it reads what is trusted", results == {"app:app": "built", "lib:lib": "cached"}, (results, said))
    own = files(share, "entries/pr~17")
    check(f"{attack}: it writes its own", len(own) == 1 and len(files(share, "entries/main")) == 3, own)
    target = share / "v1/entries/main" / own[0].relative_to(share / "v1/entries/pr~17")
    target.parent.mkdir(exist_ok=True)
    shutil.copy(own[0], target)
    victim = Machine()
    victim.write("app/app.txt", change)
    results, said = victim.build("--remote-cache", str(share), *POLICY)
    check(f"{attack}: it is built here", results["app:app"] == "built", results)
    refused(attack, "an entry moved to another namespace", said, "signature of its entry")
    for machine in (contributor, victim):
        machine.remove()


def edit(body):
    def change(copy):
        for path in files(copy, "entries"):
            entry = json.loads(path.read_bytes())
            body(entry)
            path.write_text(json.dumps(entry))
    return change


def downgrade():
    attack = "downgrade to unsigned"

    def unsign(entry):
        entry["entry"]["dsseEnvelope"]["signatures"] = []

    against_cache(attack, "an entry without signatures", "is not signed", edit(unsign), built=PACKAGES)
    against_cache(attack, "an entry that is but a statement", "the entry", edit(lambda entry: entry.update(
        entry=json.loads(base64.b64decode(entry["entry"]["dsseEnvelope"]["payload"])))), built=PACKAGES)
    machine = Machine()
    machine.martlet("build", "app:app", *SIGN, "--save", "../app.tar.gz")
    app = machine.root / "app.tar.gz"
    bundle = json.loads(pathlib.Path(f"{app}.sigstore.json").read_text())
    bundle["dsseEnvelope"]["signatures"] = []
    (WORK / "unsigned.json").write_text(json.dumps(bundle))
    done = run(MARTLET, "verify", app, "--bundle", WORK / "unsigned.json", "--key", WORK / "ci.pub", status=1)
    refused(attack, "a bundle without signatures", done.stdout + done.stderr, "signature")
    machine.martlet("build", "app:app", "--save", "../plain.tar.gz")
    done = run(MARTLET, "verify", machine.root / "plain.tar.gz", "--key", WORK / "ci.pub", status=1)
    refused(attack, "an archive with provenance that nobody signed", done.stdout + done.stderr, "sign")
    machine.remove()


def blobs():
    attack = "truncated and swapped blobs"

    def swap(copy):
        for path in files(copy, "blobs"):
            path.write_bytes(bytes(byte ^ 1 for byte in path.read_bytes()))

    def exchange(copy):
        all = files(copy, "blobs")
        contents = [path.read_bytes() for path in all]
        for path, content in zip(all, contents[1:] + contents[:1]):
            path.write_bytes(content)

    def truncate(what):
        def change(copy):
            for path in files(copy, what):
                path.write_bytes(path.read_bytes()[:-20])
        return change

    against_cache(attack, "changed blobs", "replaced", swap)
    against_cache(attack, "blobs under each other's names", "remote cache", exchange)
    against_cache(attack, "truncated blobs", "ends after", truncate("blobs"))
    against_cache(attack, "truncated entries", "the entry is no JSON", truncate("entries"), built=PACKAGES)


def sidecars():
    def swap(entry):
        entry["documents"]["statement-leeway-v0.2"] = "e30="

    against_cache("altered sidecar", "a document beside the statement", "not the one that was signed for", edit(swap),
                  built=PACKAGES)


class Store:
    """A cache that asks for a password, as WebDAV servers do. `alter` may change what is answered."""

    def __init__(self, root):
        self.alter = lambda path, content, times: content
        self.refusals = 0
        seen = {}
        store = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                path = root / urllib.parse.unquote(self.path).lstrip("/")
                if self.headers.get("Authorization") != "Basic " + base64.b64encode(b"ci:hush").decode():
                    store.refusals += 1
                    return self.answer(401)
                if self.command == "PUT":
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(body)
                    return self.answer(201)
                if not path.is_file():
                    return self.answer(404)
                content = path.read_bytes()
                if self.command == "GET":
                    seen[path] = seen.get(path, 0) + 1
                    content = store.alter(path, content, seen[path])
                start, _, end = self.headers.get("Range", "").removeprefix("bytes=").partition("-")
                self.answer(200, content[int(start or 0):][:int(end) - int(start) + 1 if end else None]
                            if start else content, 206 if start else 200)

            do_GET = do_HEAD = do_PUT = do_MKCOL = do

            def answer(self, status, content=b"", instead=None):
                self.send_response(instead or status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.place = f"127.0.0.1:{self.server.server_address[1]}/cache"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def races():
    attack = "time-of-check races"
    root = WORK / "store"
    store = Store(root)
    address = f"http://{store.place}"
    ENVIRONMENT.update(MARTLET_REMOTE_CACHE_USER="ci", MARTLET_REMOTE_CACHE_PASSWORD="hush")
    first = Machine()
    first.build("--remote-cache", address, *POLICY, *SIGN)
    first.remove()
    bad = lambda content: bytes(byte ^ 1 for byte in content)
    for way, alter in (("right at first, and then another", lambda path, content, times: content if times == 1 else bad(content)),
                       ("wrong at first, and then right", lambda path, content, times: bad(content) if times % 2 else content)):
        store.alter = alter
        for _ in range(2):
            victim = Machine()
            results, said = victim.build("--remote-cache", address, *POLICY)
            check(f"{attack}: {way}: the artifact is right", victim.digest == DIGEST, said)
            results, said = victim.build("-c", "local")
            check(f"{attack}: {way}: and stays so", victim.digest == DIGEST and set(results.values()) == {"cached"}, results)
            victim.remove()
        table.append((attack, f"a server that is {way}", "the right artifact"))
    # A directory that somebody goes on writing to.
    share = WORK / "racing"
    shutil.copytree(WORK / "share", share)
    contents = {path: path.read_bytes() for path in files(share, "blobs")}
    ended = threading.Event()

    def race():
        while not ended.is_set():
            for path, content in contents.items():
                path.write_bytes(bad(content))
                path.write_bytes(content)

    racer = threading.Thread(target=race)
    racer.start()
    try:
        for _ in range(4):
            victim = Machine()
            victim.build("--remote-cache", str(share), *POLICY)
            check(f"{attack}: a directory that changes: the artifact is right", victim.digest == DIGEST)
            victim.remove()
    finally:
        ended.set()
        racer.join()
    table.append((attack, "a directory that changes while it is read", "the right artifact"))
    # A source that changes while the step runs that reads it.
    machine = Machine()
    pipe = machine.root / "ws/app/app.txt"
    machine.write("app/BUILD.yaml", "packages:\n- {name: app, type: generic, srcs: ['*.txt'], config: {commands: "
                                    "[[sh, -c, 'echo begun; while ! grep -q changed app.txt; do sleep 0.05; i=$((i+1)); test $i -lt 100 || break; done; cat app.txt > out']]}}\n")
    process = subprocess.Popen([MARTLET, "build", "app:app", "--save", "../app.tar"], cwd=machine.root / "ws",
                               env=machine.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = ""
    for line in process.stdout:
        said += line
        if "begun" in line:
            pipe.write_text("changed\n")
    process.wait()
    if process.returncode == 0:
        # The step saw a copy, or the file itself: whichever, what is kept is of what was hashed.
        out = run("tar", "-xOf", machine.root / "app.tar", "./out").stdout
        check(f"{attack}: a source: what was hashed was read", out == "app\n", out + said)
        table.append((attack, "a source that changes during its step", "the step sees what was hashed"))
    else:
        refused(attack, "a source that changes during its step", said, "changed")
    machine.remove()
    return root


def stolen(root):
    attack = "stolen cache credentials without signing identity"
    store = Store(root)
    address = f"http://{store.place}"
    nobody = Machine()
    results, said = nobody.build("--remote-cache", address, *POLICY, MARTLET_REMOTE_CACHE_PASSWORD="guess")
    check(f"{attack}: without them nothing is to be had", set(results.values()) == {"built"} and store.refusals > 0, said)
    refused(attack, "no credentials", said, "401")
    nobody.remove()
    # The thief's results in place of the trusted machine's, for the same keys.
    thief = Machine()
    thief.build("--remote-cache", str(WORK / "thief"), "--cache-policy", str(WORK / "other.pub"), "--sign", "--key",
                str(WORK / "other.key"))
    thief.remove()
    shutil.copytree(WORK / "thief", root / "cache", dirs_exist_ok=True)
    victim = Machine()
    results, said = victim.build("--remote-cache", address, *POLICY)
    check(f"{attack}: the artifact is right", victim.digest == DIGEST and set(results.values()) == {"built"}, results)
    refused(attack, "results signed by the thief", said, "signature of its entry")
    # A machine that signs puts it right again.
    victim.build("-c", "none")
    victim.martlet("cache", "prune")
    victim.build("--remote-cache", address, *POLICY, *SIGN)
    healed = Machine()
    results, said = healed.build("--remote-cache", address, *POLICY)
    check(f"{attack}: it is put right", set(results.values()) == {"cached"}, (results, said))
    for machine in (victim, healed):
        machine.remove()
    # Everything is gone: that costs time, and nothing else.
    shutil.rmtree(root / "cache")
    victim = Machine()
    results, _ = victim.build("--remote-cache", address, *POLICY)
    check(f"{attack}: the artifact is right", victim.digest == DIGEST and set(results.values()) == {"built"}, results)
    table.append((attack, "everything deleted", "everything built"))
    victim.remove()


SPY = r"""
import ctypes, os, socket, sys
key, port, cache = sys.argv[1], int(sys.argv[2]), sys.argv[3]
libc = ctypes.CDLL(None, use_errno=True)

def attempt(name, body):
    try:
        print(f"{name}: got {body()!r}", flush=True)
    except BaseException as error:
        print(f"{name}: refused {type(error).__name__}", flush=True)

def processes(file, wanted):
    return [p for p in os.listdir("/proc") if p.isdigit() and wanted in open(f"/proc/{p}/{file}", "rb").read()] or sys.exit()

def call(function, *arguments):
    return "done" if function(*arguments) >= 0 else sys.exit()

attempt("the key's file", lambda: open(key).read())
attempt("the key's folder", lambda: os.listdir(os.path.dirname(key)))
attempt("the passphrase in its own environment", lambda: os.environ["MARTLET_KEY_PASSWORD"])
attempt("the passphrase in another environment", lambda: processes("environ", b"passphrase"))
attempt("the signing process", lambda: processes("cmdline", b"--sign"))
attempt("its memory", lambda: open(f"/proc/{os.getppid()}/mem", "rb").read(1))
attempt("its open files", lambda: [n for n in os.listdir("/proc/self/fd") if "key" in os.readlink(f"/proc/self/fd/{n}")] or sys.exit())
attempt("tracing it", lambda: call(libc.ptrace, 16, os.getppid(), 0, 0))
attempt("reading its memory from afar", lambda: call(libc.process_vm_readv, os.getppid(), 0, 0, 0, 0, 0) or sys.exit())
attempt("the kernel's keys", lambda: call(libc.syscall, 250, 0, -3, 1))
attempt("the cache, to write an entry", lambda: open(cache + "/poison", "w"))
attempt("the issuer of tokens", lambda: socket.create_connection(("127.0.0.1", port), 5))
attempt("a token's file", lambda: open("/var/run/sigstore/cosign/oidc-token").read())
attempt("an agent's socket", lambda: [n for n in os.environ if n.endswith(("SOCK", "TOKEN"))] or sys.exit())
"""


def theft(server):
    attack = "key theft from a step"
    machine = Machine()
    machine.write("app/spy.py", SPY)
    machine.write("app/BUILD.yaml", "packages:\n- name: app\n  type: generic\n  srcs: ['*.py']\n  config:\n    commands:\n"
                                    f"    - [sh, -c, 'python3 spy.py {WORK}/ci.key {server.url.rsplit(':', 1)[1]} "
                                    f"{machine.root}/cache > seen 2>&1']\n")
    machine.martlet("build", "app:app", *SIGN, "--save", "../app.tar", SSH_AUTH_SOCK="/agent", TOKEN="secret")
    seen = run("tar", "-xOf", machine.root / "app.tar", "./seen").stdout
    check(f"{attack}: every attempt was made", len(seen.splitlines()) == SPY.count("\nattempt("), seen)
    for line in seen.splitlines():
        check(f"{attack}: {line}", ": refused " in line, seen)
        table.append((attack, line.split(":")[0], "refused"))
    machine.remove()


def rollback(authority):
    attack = "rollback of the trust root"
    states = []
    for number in range(2):
        with Serving(suite, MARTLET, authority) as server:
            states.append({})
            timestamp = json.loads(fetch(f"{server.url}/tuf/timestamp.json"))
            snapshot = timestamp["signed"]["meta"]["snapshot.json"]["version"]
            names = ["timestamp.json", f"{snapshot}.snapshot.json"]
            names += [f"{json.loads(fetch(f'{server.url}/tuf/{names[1]}'))['signed']['meta']['targets.json']['version']}.targets.json"]
            version = 1
            while (root := fetch(f"{server.url}/tuf/{version}.root.json", missing=None)) is not None:
                states[number][f"{version}.root.json"] = root
                version += 1
            for name in names:
                states[number][name] = fetch(f"{server.url}/tuf/{name}")
            for path, target in json.loads(states[number][names[2]])["signed"]["targets"].items():
                name = f"targets/{target['hashes']['sha256']}.{path}"
                states[number][name] = fetch(f"{server.url}/tuf/{name}")
        if number == 0:
            run(MARTLET, "authority", "renew", "--dir", f"{authority}/authority")
    mirror = WORK / "mirror"

    def publish(state):
        shutil.rmtree(mirror, ignore_errors=True)
        for name, content in state.items():
            (mirror / name).parent.mkdir(parents=True, exist_ok=True)
            (mirror / name).write_bytes(content)

    old, new = states
    publish(new)
    trust = ["--trust-dir", WORK / "trust"]
    (WORK / "1.root.json").write_bytes(new["1.root.json"])
    run(MARTLET, "trust", "init", "--root", WORK / "1.root.json", "--mirror", mirror, *trust)
    before = trusted(WORK / "trust")
    check(f"{attack}: something is trusted", before)
    publish(old)
    done = run(MARTLET, "trust", "update", *trust, status=1)
    refused(attack, "the whole repository of yesterday", done.stderr, "an old state is being replayed")
    for role in ("snapshot", "targets"):
        mixed = dict(new)
        for name, content in old.items():
            if name.endswith(f"{role}.json"):
                mixed[next(other for other in new if other.endswith(f".{role}.json"))] = content
        publish(mixed)
        run(MARTLET, "trust", "update", *trust, status=None)
        check(f"{attack}: what is trusted stays", trusted(WORK / "trust") == before)
        table.append((attack, f"the {role} of yesterday under today's name", "what is trusted stays"))
    publish(new)
    run(MARTLET, "trust", "update", *trust)


def fetch(url, **missing):
    try:
        return urllib.request.urlopen(url).read()
    except urllib.error.HTTPError:
        if "missing" in missing:
            return missing["missing"]
        raise


def trusted(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.name.startswith(("trusted_root", "signing_config"))}


def main():
    global DIGEST
    origin = WORK / "origin"
    for path, text in WORKSPACE.items():
        (origin / path).parent.mkdir(parents=True, exist_ok=True)
        (origin / path).write_text(text)
    git = ["git", "-C", origin, "-c", "user.name=x", "-c", "user.email=x@example.org"]
    run("git", "init", "-q", "-b", "main", origin)
    run(*git, "add", "-A")
    run(*git, "commit", "-qm", "first")
    for name in ("ci", "other"):
        run(MARTLET, "key", "generate", "--output", WORK / name)
    first = Machine()
    results, said = first.build("--remote-cache", str(WORK / "share"), *POLICY, *SIGN)
    check("the first machine builds", results == {package: "built" for package in PACKAGES}, (results, said))
    DIGEST = first.digest
    first.remove()
    second = Machine()
    results, said = second.build("--remote-cache", str(WORK / "share"), *POLICY)
    check("unharmed, the cache is believed", set(results.values()) == {"cached"} and second.digest == DIGEST, said)
    second.remove()

    data = WORK / "data"
    (WORK / "secret").write_text("hush\n")
    run(MARTLET, "authority", "init", "--organization", "Attacked", "--dir", f"{data}/authority")
    run(MARTLET, "authority", "client", "ci", "--builds", IDENTITY, "--dir", f"{data}/authority", "--secret-file", WORK / "secret")
    poison()
    undeclared()
    replay()
    with Serving(suite, MARTLET, data) as server:
        identities(server)
        theft(server)
    pull_requests()
    downgrade()
    blobs()
    sidecars()
    stolen(races())
    rollback(data)
    for row in table:
        print("  {:<52}{:<46}{}".format(*row))
    print(f"attacks: {len(table)} ways of {len({row[0] for row in table})} attacks, all refused ({suite.passed} checks)")


main()
