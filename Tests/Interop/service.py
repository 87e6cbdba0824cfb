"""The isolated build service, as its clients and its enemies meet it: builds that are fetched and uploaded, signed by
the service and at Build L3; steps that try to get at keys, other builds, the server or the statement; and a server that
is cancelled, killed and out of space.

    service.py MARTLET WORK
"""
import base64, hashlib, json, os, signal, subprocess, sys, time, urllib.error, urllib.request

MARTLET, WORK = (os.path.abspath(word) for word in sys.argv[1:])
DATA = f"{WORK}/data"
ENVIRONMENT = {**os.environ, "HOME": WORK, "XDG_DATA_HOME": f"{WORK}/share", "XDG_CACHE_HOME": f"{WORK}/cache"}
SECRET = "the passphrase of the server"
checks = 0


def check(what, holds, why=""):
    global checks
    checks += 1
    if not holds:
        log = f"{WORK}/server.log"
        tail = open(log).read()[-3000:] if os.path.exists(log) else ""
        sys.exit(f"service: {what}: {why}\n{tail}")


def run(*words, status=0, where=None, **environment):
    done = subprocess.run(words, capture_output=True, text=True, env={**ENVIRONMENT, **environment}, cwd=where)
    check(" ".join(words[:8]), done.returncode == status,
          f"{done.returncode} in place of {status}\n{done.stdout[-6000:]}{done.stderr[-6000:]}")
    return done


def write(name, content):
    path = f"{WORK}/{name}"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(content)
    return path


def git(*words, where=None):
    return run("git", "-c", "user.name=x", "-c", "user.email=x@example.org", *words, where=where or f"{WORK}/ws").stdout


def commit(message="more"):
    git("add", "-A")
    git("commit", "-qm", message, "--allow-empty")
    return git("rev-parse", "HEAD").strip()


class Server:
    """A server with the environment of an operator: its secrets are in it."""

    def __init__(self, data=DATA, extra=()):
        self.data = data
        if os.path.exists(f"{data}/address"):
            os.remove(f"{data}/address")
        with open(f"{WORK}/server.log", "a") as log:
            self.process = subprocess.Popen(
                [MARTLET, "serve", "--data", data, "--listen", "127.0.0.1:0", *extra], stdout=subprocess.DEVNULL,
                stderr=log, env={**ENVIRONMENT, "MARTLET_KEY_PASSWORD": SECRET})
        while not os.path.exists(f"{data}/address"):
            check("the server starts", self.process.poll() is None)
            time.sleep(0.05)
        with open(f"{data}/address") as file:
            self.url = file.read().strip()

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(timeout=120)

    def ask(self, method, path, body=None, status=None, **fields):
        request = urllib.request.Request(self.url + path, data=body, method=method,
                                         headers={name.replace("_", "-"): value for name, value in fields.items()})
        try:
            with urllib.request.urlopen(request) as answer:
                code, content, self.fields = answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            code, content, self.fields = error.code, error.read(), error.headers
        check(f"{method} {path}", status is None or code == status, f"{code} in place of {status}: {content[:500]}")
        return content

    def token(self, audience, client="ci", secret="hush"):
        form = f"grant_type=client_credentials&client_id={client}&client_secret={secret}&audience={audience}".encode()
        return json.loads(self.ask("POST", "/identity/token", form, 200))["id_token"]

    def request(self, package, commit, **more):
        source = {"repository": f"{WORK}/origin.git", "commit": commit, "ref": "refs/heads/main"}
        return {"format": "martlet-build-request-1", "source": source, "package": package, **more}

    def create(self, body, status=201, field=None):
        field = field or "Basic " + base64.b64encode(b"alice:wonderland").decode()
        return json.loads(self.ask("POST", "/builds", json.dumps(body).encode(), status, Authorization=field))

    def state(self, build):
        return json.loads(self.ask("GET", f"/builds/{build['id']}", status=200,
                                   Authorization=f"Bearer {build['access']}"))

    def wait(self, build, *states):
        states = states or ("succeeded", "failed", "cancelled", "interrupted")
        end = time.monotonic() + 240
        while time.monotonic() < end:
            now = self.state(build)
            if now["state"] in states:
                return now
            time.sleep(0.1)
        check(f"{build['id']} comes to {states}", False, str(self.state(build)))

    def log(self, build):
        return self.ask("GET", f"/builds/{build['id']}/log", status=200,
                        Authorization=f"Bearer {build['access']}").decode()


def built_there(server, package, out, *words, status=0):
    return run(MARTLET, "build", "--service", server.url, "--service-user", "alice", "--service-password-file",
               f"{WORK}/password", "-w", f"{WORK}/ws", package, "--save", out, *words, status=status)


def content(archive, member):
    return subprocess.run(["tar", "-xOzf", archive, "./" + member], capture_output=True, check=True).stdout.decode()


def statement(archive):
    lines = content(archive, "provenance-bundle.jsonl").splitlines()
    return json.loads(base64.b64decode(json.loads([line for line in lines if line][-1])["payload"]))


def verifies(server, archive, status=0):
    run(MARTLET, "verify", archive, "--certificate-identity", f"{server.url}/builds", "--certificate-oidc-issuer",
        f"{server.url}/identity", "--trusted-root", f"{WORK}/trust.json", "--timestamps", "1", status=status)


def builds(server):
    """What the service builds is signed by it, logged, complete, and at Build L3 for who trusts it."""
    out = f"{WORK}/app.tar.gz"
    said = built_there(server, "app:app", out, "-D", "greeting=hello").stderr
    check("the log comes while it builds", "[app:app] saying hello" in said and "build succeeded" in said, said)
    check("the artifact", content(out, "app.txt") == "words\nhello\n", content(out, "app.txt"))
    write("trust.json", server.ask("GET", "/trust/config.json", status=200).decode())
    verifies(server, out)
    provenance = statement(out)["predicate"]
    definition = provenance["buildDefinition"]
    head = git("rev-parse", "HEAD").strip()
    check("every parameter of the request is stated", definition["externalParameters"]["request"] == {
        "format": "martlet-build-request-1", "package": "app:app", "arguments": {"greeting": "hello"},
        "source": {"commit": head, "repository": f"{WORK}/origin.git", "ref": "refs/heads/main"}}, str(definition))
    check("who asked", definition["internalParameters"]["requestedBy"] == f"{server.url}/identity#alice@example.org")
    check("builder", provenance["runDetails"]["builder"]["id"] == f"{server.url}/builds")
    source = [d for d in definition["resolvedDependencies"] if d.get("annotations", {}).get("role") == "source"][0]
    check("source", source["digest"] == {"gitCommit": head} and source["annotations"]["clean"]
          and source["uri"] == f"git+{WORK}/origin.git", str(source))

    # Levels: three for who trusts the service, one for who trusts nobody; less for what it did not build.
    policy = write("policy.yaml", f"""policy: v1
name: ours
signers:
  service: {{issuer: "{server.url}/identity", identity: "{server.url}/builds"}}
builders:
  - {{signer: service, id: "{server.url}/builds", level: 3, operator: us}}
""")
    trusted = ["--policy", policy, "--trusted-root", f"{WORK}/trust.json", "--track", "v1.2 build"]
    level = lambda target, *words: json.loads(run(
        MARTLET, "slsa", target, "--json", *words).stdout)["tables"][0]["level"]
    check("Build L3", level(out, *trusted) == 3, str(level(out, *trusted)))
    check("L1 without trust", level(out, "--track", "v1.2 build") == 1)
    own = f"{WORK}/own.tar.gz"
    run(MARTLET, "build", "-w", f"{WORK}/ws", "app:app", "--save", own)
    check("L1 for one's own build", level(own, *trusted) == 1)
    run(MARTLET, "slsa", out, *trusted, "--require", "3")
    run(MARTLET, "slsa", own, *trusted, "--require", "2", status=1)

    # Found in the log by digest, as an entry that hands out the statement.
    digest = hashlib.sha256(open(out, "rb").read()).hexdigest()
    found = run(MARTLET, "log", "search", "--log-url", server.url, "--trusted-root", f"{WORK}/trust.json", "--sha",
                digest).stdout.split()
    shown = run(MARTLET, "log", "get", "--log-url", server.url, "--trusted-root", f"{WORK}/trust.json", "--uuid",
                found[-1], "--format", "json").stdout
    logged = json.loads(base64.b64decode(json.loads(shown)["Attestation"]))
    check("the log has the statement", logged["predicate"] == provenance)

    # The same commit, brought by its owner: no repository is claimed. Twice the same archive without its provenance.
    up = f"{WORK}/uploaded.tar.gz"
    built_there(server, "app:app", up, "--upload", "-D", "greeting=hello")
    verifies(server, up)
    uploaded = statement(up)["predicate"]["buildDefinition"]
    source = [d for d in uploaded["resolvedDependencies"] if d.get("annotations", {}).get("role") == "source"][0]
    check("an upload has a commit and no address", "uri" not in source and source["digest"] == {"gitCommit": head})
    check("reproducible", content(up, "app.txt") == content(out, "app.txt"))

    # Tokens for this service, of programs that it knows.
    audience = f"{server.url}/builds"
    request = server.request("app:app", head)
    build = server.create(request, field=f"Bearer {server.token(audience)}")
    check("a program builds", server.wait(build)["state"] == "succeeded", server.log(build))
    listed = json.loads(server.ask("GET", "/builds", status=200, Authorization=f"Bearer {server.token(audience)}"))
    check("a client sees its own builds", [b["id"] for b in listed["builds"]] == [build["id"]], str(listed)[:500])
    check("and no secrets", "access" not in json.dumps(listed))
    return head


def refusals(server, head):
    """What clients may not."""
    request = server.request("app:app", head)
    basic = lambda text: "Basic " + base64.b64encode(text.encode()).decode()
    for field in ("Bearer x.y.z", basic("alice:guess"), basic("nobody:x"), "Digest x",
                  f"Bearer {server.token('sigstore')}"):
        server.create(request, status=401, field=field)
    audience = f"{server.url}/builds"
    server.create(request, status=403, field=f"Bearer {server.token(audience, 'other', 'quiet')}")
    changed = lambda **source: {**request, "source": {**request["source"], **source}}
    for body, status in (
            ({**request, "builder": "me"}, 400), ({**request, "format": "2"}, 400), ({}, 400), ([], 400),
            ({**request, "package": "x"}, 400), ({**request, "directory": "../.."}, 400),
            ({**request, "directory": "/etc"}, 400), ({**request, "arguments": {"a": 1}}, 400),
            ({**request, "arguments": {str(n): "" for n in range(65)}}, 400),
            (changed(commit=head[:10]), 400), (changed(ref="main"), 400), (changed(ref="refs/heads/-x"), 400),
            (changed(repository="--upload-pack=touch"), 400), (changed(upload="sha256:" + "0" * 64), 400),
            (changed(repository="https://me:secret@git.example/x"), 400),
            (changed(repository="ext::sh -c id"), 403), (changed(repository="file:///etc"), 403),
            (changed(repository=f"{WORK}/origin.git/../private.git"), 403),
            (changed(repository=f"{WORK}/origin.git%2f..%2fprivate.git"), 403)):
        server.create(body, status=status)
    server.ask("POST", "/builds", b" " * 70_000, 413, Authorization=basic("alice:wonderland"))
    server.ask("POST", "/builds", b"", 401)
    git("checkout", "-q", "-b", "elsewhere")
    foreign = commit("not in main")
    git("push", "-q", "origin", "elsewhere")
    git("checkout", "-q", "main")
    for body, reason in ((changed(commit=foreign), "is not in refs/heads/main"),
                         (changed(commit="0" * 40), "is not in refs/heads/main"),
                         (changed(ref="refs/heads/absent"), "can't be fetched"),
                         (server.request("app:absent", head), "there is no package")):
        build = server.create(body)
        end = server.wait(build)
        check(reason, end["state"] == "failed" and reason in end["message"], str(end))
    # A build is its client's alone.
    access = f"Bearer {build['access']}"
    for path in (f"/builds/{build['id']}", f"/builds/{build['id']}/log", f"/builds/{build['id']}/artifact.tar.gz"):
        server.ask("GET", path, status=404, Authorization="Bearer " + "0" * 32)
        server.ask("GET", path, status=401)
    server.ask("GET", "/builds/" + "0" * 32, status=404, Authorization=access)
    server.ask("GET", "/builds/..%2f..%2fauthority", status=401, Authorization=access)
    server.ask("GET", f"/builds/{build['id']}/artifact.tar.gz", status=404, Authorization=access)
    server.ask("PUT", f"/builds/{build['id']}/source", b"x", 409, Authorization=access)
    # Uploads: what the request names, and nothing else.
    pack = b"PACK nonsense"
    wanted = {**request, "source": {"upload": "sha256:" + hashlib.sha256(pack).hexdigest(), "commit": head}}
    build = server.create(wanted)
    access = f"Bearer {build['access']}"
    server.ask("PUT", f"/builds/{build['id']}/source", b"other", 400, Authorization=access)
    server.ask("PUT", f"/builds/{build['id']}/source", b"x" * (2 << 20), 413, Authorization=access)
    server.ask("PUT", f"/builds/{build['id']}/source", pack, 202, Authorization=access)
    end = server.wait(build)
    check("nonsense is no pack", end["state"] == "failed" and "pack" in end["message"], str(end))


SPY = r'''
import ctypes, os, socket, subprocess, sys
data, port, marker = sys.argv[1], int(sys.argv[2]), sys.argv[3]
libc = ctypes.CDLL(None, use_errno=True)

def attempt(name, body):
    try:
        print(f"{name}: got {body()!r}", flush=True)
    except BaseException as error:
        print(f"{name}: refused {type(error).__name__}", flush=True)

def listing(path):
    return os.listdir(path)

def call(function, *arguments):
    if function(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return "done"

def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as end:
        end.settimeout(2)
        end.connect(address)
    return "connected"

for place in ("", "/authority", "/authority/users.json", "/authority/issuer.key", "/builds", "/trust/keys", "/lock"):
    attempt(f"data{place}", lambda: listing(data + place) if "." not in place else open(data + place).read())
attempt("the server's process", lambda: [p for p in os.listdir("/proc") if p.isdigit() and "serve" in
                                         open(f"/proc/{p}/cmdline").read()] or sys.exit())
attempt("a worker's process", lambda: [p for p in os.listdir("/proc") if p.isdigit() and "work-on-build" in
                                       open(f"/proc/{p}/cmdline").read()] or sys.exit())
attempt("secrets of any environment", lambda: [p for p in os.listdir("/proc") if p.isdigit() and b"passphrase" in
                                               open(f"/proc/{p}/environ", "rb").read()] or sys.exit())
attempt("memory of process 1", lambda: open("/proc/1/mem", "rb").read(1))
attempt("root of process 1", lambda: [n for n in os.listdir("/proc/1/root") if n in ("root", "home", "var")] or sys.exit())
attempt("ptrace", lambda: call(libc.ptrace, 16, 1, 0, 0))
attempt("process_vm_readv", lambda: call(libc.process_vm_readv, 1, 0, 0, 0, 0, 0) and sys.exit())
attempt("signals to the worker", lambda: call(libc.kill, os.getppid() + 100000, 9))
attempt("open files", lambda: [os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
                               if os.path.exists(f"/proc/self/fd/{n}") and os.readlink(f"/proc/self/fd/{n}").startswith(
                                   ("socket:", data))] or sys.exit())
attempt("loopback to the server", lambda: connect(socket.AF_INET, ("127.0.0.1", port)))
attempt("the token mint", lambda: connect(socket.AF_INET6, ("::1", port)))
attempt("other machines", lambda: connect(socket.AF_INET, ("192.0.2.1", 80)))
attempt("sockets of the machine", lambda: [l for l in open("/proc/net/unix").read().splitlines()[1:]] or sys.exit())
attempt("an abstract socket", lambda: connect(socket.AF_UNIX, "\0martlet"))
attempt("mounting", lambda: call(libc.mount, b"none", b"/tmp", b"tmpfs", 0, None))
attempt("a user namespace", lambda: call(libc.unshare, 0x10000000))
attempt("kernel keys", lambda: call(libc.syscall, 250, 0, -3, 1))
attempt("bpf", lambda: call(libc.syscall, 321, 0, 0, 0))
attempt("a raw device", lambda: open("/dev/mem", "rb").read(1))
attempt("the host's root", lambda: listing("/root"))
attempt("other steps' places", lambda: [n for n in os.listdir("/") if n not in
                                        "bin build dev etc homeless lib lib32 lib64 libx32 martlet proc sbin tmp usr".split()] or sys.exit())
attempt("writing to a dependency", lambda: open("lib--lib/out", "w").write("poison"))
attempt("writing to the tools", lambda: open("/usr/bin/poison", "w"))
attempt("writing outside of the package", lambda: open("/build/../poison", "w"))
attempt("cgroups", lambda: open("/sys/fs/cgroup/cgroup.procs", "w").write("1"))

# A process that wants to live longer than its step.
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in range(3, 64):
            try: os.close(number)
            except OSError: pass
        sys.stdout = sys.stderr = open("/dev/null", "w")
        os.execvp("sleep", ["sleep", marker])
    os._exit(0)
'''


def attacks(server, head):
    """Steps, definitions and commits that want more than they may have."""
    port = server.url.rsplit(":", 1)[1]
    marker = "86399." + str(os.getpid())
    write("ws/spy/spy.py", SPY)
    # It writes what a build's provenance and signature look like, into every place that it can.
    forged = json.dumps({"payloadType": "application/vnd.in-toto+json", "payload": base64.b64encode(
        b'{"_type":"https://in-toto.io/Statement/v1","subject":[]}').decode(), "signatures": []})
    write("ws/spy/forged.json", forged)
    write("ws/spy/BUILD.yaml", f"""packages:
- name: spy
  type: generic
  srcs: ["*.py", "*.json"]
  deps: ["lib:lib"]
  config:
    commands:
    - [sh, -c, 'python3 spy.py {DATA} {port} {marker} > seen.txt 2>&1; cat seen.txt']
    - [sh, -c, 'cp forged.json out.sigstore.json; mkdir -p deep; cp forged.json deep/provenance-bundle.jsonl']
- name: forger
  type: generic
  srcs: ["*.json"]
  config:
    commands: [[cp, forged.json, provenance-bundle.jsonl]]
""")
    head = commit("attack")
    git("push", "-q", "origin", "main")
    out = f"{WORK}/spy.tar.gz"
    said = built_there(server, "spy:spy", out).stderr
    seen = content(out, "seen.txt")
    for line in seen.splitlines():
        check(f"blocked: {line}", ": refused " in line, seen)
    check("every attempt was made", len(seen.splitlines()) == 32, str(len(seen.splitlines())) + "\n" + seen)
    for name in ("ptrace", "mount", "namespace"):
        check(f"named in the log: {name}", f"{name}" in said and "was blocked" in said, said)
    left = [p for p in os.listdir("/proc") if p.isdigit() and os.path.exists(f"/proc/{p}/cmdline")
            and marker.encode() in read_or_nothing(f"/proc/{p}/cmdline")]
    check("nothing outlives its step", left == [], str(left))
    verifies(server, out)
    subjects = [s["name"] for s in statement(out)["subject"]]
    check("the statement is the service's own", "spy:spy" in subjects and
          statement(out)["predicate"]["runDetails"]["builder"]["id"] == f"{server.url}/builds")
    # A build can't put a bundle where the service's stands: verifiers would have to choose.
    build = server.create(server.request("spy:forger", head))
    end = server.wait(build)
    if end["state"] == "succeeded":
        run(MARTLET, "build", "--service", server.url, "--service-user", "alice", "--service-password-file",
            f"{WORK}/password", "-w", f"{WORK}/ws", "spy:forger", "--save", f"{WORK}/forger.tar.gz")
        os.remove(f"{WORK}/forger.tar.gz.sigstore.json")
        verifies(server, f"{WORK}/forger.tar.gz")
        check("the bundle in front counts", statement_in_front(f"{WORK}/forger.tar.gz") == "spy:forger")

    # Definitions and commits. Each is a commit of its own, which is refused with its reason.
    def refused(reason, files=None, links=None, package="bad:bad"):
        git("checkout", "-q", "-B", "main", head)
        for name, text in (files or {}).items():
            write(f"ws/{name}", text)
        for name, target in (links or {}).items():
            os.makedirs(os.path.dirname(f"{WORK}/ws/{name}"), exist_ok=True)
            os.symlink(target, f"{WORK}/ws/{name}")
        bad = commit(reason)
        git("push", "-qf", "origin", "main")
        build = server.create(server.request(package, bad))
        end = server.wait(build)
        log = server.log(build)
        check(f"refused: {reason}", end["state"] == "failed" and reason in end["message"] + log, str(end) + log)
        check("no secret in the log", SECRET not in log and "PRIVATE KEY" not in log)
        git("clean", "-qfdx")

    copy = "  config:\n    commands: [['sh', '-c', 'cat * > out']]\n"
    generic = "packages:\n- name: bad\n  type: generic\n  srcs: ['*']\n" + copy
    refused("leads out of it", {"bad/BUILD.yaml": generic}, {"bad/key": f"{DATA}/authority/issuer.key"})
    refused("leads out of it", {"bad/BUILD.yaml": generic}, {"bad/key": "../../../../../../data/authority/users.json"})
    refused("leads out of it", {"bad/BUILD.yaml": generic},
            {"bad/up": ".", "bad/later": f"up/up/../../../../../not-there-yet"})
    refused("names toolRoots", {"bad/BUILD.yaml": generic + f"  martlet: {{toolRoots: ['{DATA}/authority']}}\n"})
    refused("names toolRoots", {"WORKSPACE.yaml": f"defaultTarget: bad:bad\nmartlet: {{toolRoots: ['{DATA}']}}\n",
                                "bad/BUILD.yaml": generic})
    refused("sandbox off", {"WORKSPACE.yaml": "defaultTarget: bad:bad\nmartlet: {sandbox: false}\n",
                            "bad/BUILD.yaml": generic})
    refused("runs outside of the sandbox", {
        "bad/Dockerfile": "FROM scratch\n", "bad/BUILD.yaml":
            "packages:\n- name: bad\n  type: docker\n  config:\n    dockerfile: Dockerfile\n    image: [x:latest]\n"})
    refused("needs the network", {"bad/BUILD.yaml": generic + "  martlet: {fetch: [['curl', 'http://127.0.0.1']]}\n"})
    # The commands of the environment manifest see no more than steps.
    refused("of the environment manifest", {
        "WORKSPACE.yaml": f"defaultTarget: bad:bad\nenvironmentManifest:\n- name: key\n  command: "
                          f"[sh, -c, 'cat {DATA}/authority/issuer.key']\n",
        "bad/BUILD.yaml": generic})
    git("checkout", "-q", "-B", "main", head)
    git("push", "-qf", "origin", "main")


def read_or_nothing(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def statement_in_front(archive):
    lines = content(archive, "provenance-bundle.jsonl").splitlines()
    envelope = json.loads([line for line in lines if line][0])
    return json.loads(base64.b64decode(envelope["payload"]))["subject"][0]["name"]


def endings(server, head):
    """A build is cancelled, the server is killed, and others wait meanwhile."""
    write("ws/slow/BUILD.yaml", "packages:\n- name: slow\n  type: generic\n  config:\n"
                                "    commands: [[sh, -c, 'echo begun; sleep 86398']]\n")
    head = commit("slow")
    git("push", "-q", "origin", "main")
    slow, quick = server.request("slow:slow", head), server.request("lib:lib", head)

    def begun(build):
        server.wait(build, "running")
        while "begun" not in server.log(build):
            time.sleep(0.1)

    running, waiting = server.create(slow), server.create(quick)
    begun(running)
    check("one at a time", server.state(waiting)["state"] == "queued")
    for build, state in ((running, "cancelled"),):
        server.ask("DELETE", f"/builds/{build['id']}", status=202, Authorization=f"Bearer {build['access']}")
        check("cancelled", server.wait(build)["state"] == state)
    check("the next one is done", server.wait(waiting)["state"] == "succeeded", server.log(waiting))
    check("the step has ended", not steps_of("86398"))
    # The client's Control-C cancels too.
    client = subprocess.Popen([MARTLET, "build", "--service", server.url, "--service-user", "alice",
                               "--service-password-file", f"{WORK}/password", "-w", f"{WORK}/ws", "slow:slow"],
                              stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    for line in client.stderr:
        if b"begun" in line:
            break
    client.send_signal(signal.SIGINT)
    check("the client ends", client.wait(timeout=60) != 0)
    end = time.monotonic() + 60
    while steps_of("86398") and time.monotonic() < end:
        time.sleep(0.1)
    check("its build is cancelled", not steps_of("86398"))

    # Killed: what ran is told to be interrupted, what waited is done, and nothing is left of the steps.
    running, waiting = server.create(slow), server.create(quick)
    cancelled = server.create(quick)
    server.ask("DELETE", f"/builds/{cancelled['id']}", status=202, Authorization=f"Bearer {cancelled['access']}")
    check("one that waits is cancelled", server.state(cancelled)["state"] == "cancelled")
    begun(running)
    port = server.url.rsplit(":", 1)[1]
    server.stop(signal.SIGKILL)
    end = time.monotonic() + 60
    while steps_of("86398") and time.monotonic() < end:
        time.sleep(0.1)
    check("steps end with their server", not steps_of("86398"))
    again = Server(extra=["--listen", f"127.0.0.1:{port}"])
    check("interrupted", again.state(running)["state"] == "interrupted", str(again.state(running)))
    check("what waited is done", again.wait(waiting)["state"] == "succeeded", again.log(waiting))
    check("the log is kept", "begun" in again.log(running))
    return again


def steps_of(marker):
    return [p for p in os.listdir("/proc") if p.isdigit() and
            read_or_nothing(f"/proc/{p}/cmdline").split(b"\0")[:2] == [b"sleep", marker.encode()]]


def full(head):
    """A disk without room: 503 before anything is half-written, and everything goes on once there is some."""
    place = f"{WORK}/small"
    os.makedirs(place)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", place], capture_output=True).returncode:
        print("service: no small disk can be mounted here, so none is filled")
        return
    try:
        key = f"{WORK}/service.key"
        run(MARTLET, "key", "generate", "--output", f"{WORK}/service", MARTLET_KEY_PASSWORD=SECRET)
        write("small.yaml", settings().replace("  builds:\n", f"  builds:\n    key: {key}\n"))
        run(MARTLET, "authority", "init", "--organization", "Small", "--dir", f"{place}/data/authority",
            MARTLET_KEY_PASSWORD=SECRET)
        user(f"{place}/data/authority")
        server = Server(f"{place}/data", ["--config", f"{WORK}/small.yaml", "--only", "builds,identity"])
        filler = f"{place}/filler"
        subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=1M"], capture_output=True)
        server.create(server.request("lib:lib", head), status=503)
        check("when to come again", server.fields["Retry-After"] is not None)
        check("nothing is half-written", os.listdir(f"{place}/data/builds") == [],
              str(os.listdir(f"{place}/data/builds")))
        os.remove(filler)
        build = server.create(server.request("lib:lib", head))
        check("it goes on", server.wait(build)["state"] == "succeeded", server.log(build))
        # A key signs here: its holder is the server, and its public half is there for everybody.
        write("service.pub.pem", server.ask("GET", "/builds/public-key", status=200).decode())
        for name in ("artifact.tar.gz", "artifact.tar.gz.sigstore.json"):
            with open(f"{WORK}/{name}", "wb") as file:
                file.write(server.ask("GET", f"/builds/{build['id']}/{name}", status=200,
                                      Authorization=f"Bearer {build['access']}"))
        run(MARTLET, "verify", f"{WORK}/artifact.tar.gz", "--key", f"{WORK}/service.pub.pem")
        server.stop()
    finally:
        subprocess.run(["umount", "-l", place])


def settings():
    return f"""services:
  builds:
    repositories: ["{WORK}/origin.git"]
    uploads: true
    uploadBytes: 1048576
    clients: [alice@example.org, "https://ci.example/jobs/1"]
"""


def user(authority):
    run(MARTLET, "authority", "user", "alice", "--email", "alice@example.org", "--password-file",
        write("password", "wonderland\n"), "--dir", authority)
    for name, subject, secret in (("ci", "https://ci.example/jobs/1", "hush"), ("other", "https://ci.example/jobs/2", "quiet")):
        run(MARTLET, "authority", "client", name, "--subject", subject, "--secret-file",
            write("secret", secret + "\n"), "--dir", authority)


os.makedirs(DATA)
run(MARTLET, "authority", "init", "--organization", "Interop", "--dir", f"{DATA}/authority",
    MARTLET_KEY_PASSWORD=SECRET)
user(f"{DATA}/authority")
write("data/serve.yaml", settings())
git("init", "-q", "--bare", "-b", "main", f"{WORK}/origin.git", where=WORK)
write("ws/WORKSPACE.yaml", "defaultTarget: app:app\ndefaultArgs: {greeting: hi}\n")
write("ws/lib/BUILD.yaml", "packages:\n- name: lib\n  type: generic\n  srcs: ['*.txt']\n  config:\n"
                           "    commands: [['sh', '-c', 'cat *.txt > out']]\n")
write("ws/lib/a.txt", "words\n")
write("ws/app/BUILD.yaml", "packages:\n- name: app\n  type: generic\n  deps: ['lib:lib']\n  config:\n    commands:\n"
                           "    - [sh, -c, 'echo saying ${greeting}; { cat lib--lib/out; echo ${greeting}; } > app.txt']\n")
git("init", "-q", "-b", "main")
git("remote", "add", "origin", f"{WORK}/origin.git")
commit("first")
git("push", "-q", "origin", "main")
server = Server()
try:
    head = builds(server)
    refusals(server, head)
    attacks(server, head)
    server = endings(server, head)
finally:
    if server.process.poll() is None:
        server.stop()
check("graceful end", server.process.returncode == 0, str(server.process.returncode))
full(git("rev-parse", "HEAD").strip())
print(f"the build service builds, and withstands what is built ({checks} checks)")
