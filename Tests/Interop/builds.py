"""Builds that sign keyless against martlet's own services, as a newcomer meets them: every package's statement is
signed for the build, logged and timestamped, and found again by digest and by name.

    builds.py MARTLET SIGSTORE-PYTHON WORK
"""
import base64, hashlib, json, os, re, signal, subprocess, sys, time, urllib.request

from cryptography import x509

MARTLET, SIGSTORE, WORK = (os.path.abspath(word) for word in sys.argv[1:])
DATA = f"{WORK}/data"
BUILDER = "https://ci.example/builders/main"
ENVIRONMENT = {**os.environ, "MARTLET_KEY_PASSWORD": "interop", "HOME": WORK, "XDG_DATA_HOME": f"{WORK}/share",
               "XDG_CACHE_HOME": f"{WORK}/cache", "MARTLET_CACHE_DIR": f"{WORK}/builds"}
checks = 0


def check(what, holds, why=""):
    global checks
    checks += 1
    if not holds:
        sys.exit(f"builds: {what}: {why}")


def run(*words, status=0, where=None, **environment):
    done = subprocess.run(words, capture_output=True, text=True, env={**ENVIRONMENT, **environment}, cwd=where)
    check(" ".join(words[:8]), done.returncode == status,
          f"{done.returncode} in place of {status}\n{done.stdout}{done.stderr}")
    return done.stdout


def write(name, content):
    os.makedirs(os.path.dirname(f"{WORK}/{name}"), exist_ok=True)
    with open(f"{WORK}/{name}", "w") as file:
        file.write(content)
    return f"{WORK}/{name}"


def read(name):
    with open(f"{WORK}/{name}", "rb") as file:
        return file.read()


def serve():
    process = subprocess.Popen([MARTLET, "serve", "--data", DATA, "--listen", "127.0.0.1:0"], env=ENVIRONMENT,
                               stdout=subprocess.DEVNULL)
    for _ in range(1200):
        if os.path.exists(f"{DATA}/address"):
            with open(f"{DATA}/address") as file:
                return process, file.read().strip()
        if process.poll() is not None:
            break
        time.sleep(0.05)
    sys.exit("builds: the server did not start")


def workspace():
    write("ws/WORKSPACE.yaml", "defaultTarget: app:app\n")
    write("ws/lib/BUILD.yaml", "packages:\n- name: lib\n  type: generic\n  srcs: ['*.txt']\n  config:\n"
                               "    commands: [['sh', '-c', 'cat *.txt > out']]\n")
    write("ws/lib/a.txt", "words\n")
    write("ws/app/BUILD.yaml", "packages:\n- name: app\n  type: generic\n  deps: ['lib:lib']\n  config:\n"
                               "    commands: [['cp', 'lib--lib/out', 'app.txt']]\n")
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q", "-b", "main"], ["remote", "add", "origin", "https://git.example/team/ws.git"],
                  ["add", "-A"], ["commit", "-qm", "first"]):
        run(*git, *words, where=f"{WORK}/ws")
    return run("git", "rev-parse", "HEAD", where=f"{WORK}/ws").strip()


def signed_build(commit):
    identity = ["--certificate-identity", BUILDER, "--certificate-oidc-issuer", f"{URL}/identity"]
    minted = ["--issuer-client", "ci", "--issuer-secret-file", f"{WORK}/secret", "--builder-id", BUILDER]
    root = ["--trusted-root", f"{WORK}/trust.json", "--signing-config", f"{WORK}/signing.json"]
    out = f"{WORK}/out.tar.gz"
    run(MARTLET, "build", "--sign", "keyless", *minted, *root, "--save", out, where=f"{WORK}/ws")

    # With the bundle beside it, and with what the archive carries itself.
    run(MARTLET, "verify", out, *identity, "--trusted-root", f"{WORK}/trust.json", "--timestamps", "1")
    bundle = json.loads(read("out.tar.gz.sigstore.json"))
    os.rename(f"{out}.sigstore.json", f"{WORK}/aside.json")
    run(MARTLET, "verify", out, *identity, "--trusted-root", f"{WORK}/trust.json", "--timestamps", "1")
    run(MARTLET, "verify", out, "--certificate-identity", BUILDER + "/other", "--certificate-oidc-issuer",
        f"{URL}/identity", "--trusted-root", f"{WORK}/trust.json", status=1)
    # sigstore-python takes it as it is, subject and all.
    run(SIGSTORE, "--trust-config", f"{WORK}/trust.json", "verify", "identity", "--bundle", f"{WORK}/aside.json",
        "--cert-identity", BUILDER, "--cert-oidc-issuer", f"{URL}/identity", out)

    # The certificate names the builder, its program, and the commit.
    leaf = x509.load_der_x509_certificate(
        base64.b64decode(bundle["verificationMaterial"]["certificate"]["rawBytes"]))
    claim = lambda n: leaf.extensions.get_extension_for_oid(
        x509.ObjectIdentifier(f"1.3.6.1.4.1.57264.1.{n}")).value.value[2:].decode()
    check("Build Signer URI", claim(9) == BUILDER, claim(9))
    with open(MARTLET, "rb") as file:
        program = hashlib.sha256(file.read()).hexdigest()
    check("Build Signer Digest", claim(10) == f"sha256:{program}", claim(10))
    check("Source Repository URI", claim(12) == "https://git.example/team/ws.git", claim(12))
    check("Source Repository Digest", claim(13) == commit, claim(13))
    check("Source Repository Ref", claim(14) == "refs/heads/main", claim(14))
    check("Build Config URI",
          claim(18) == "https://git.example/team/ws.git/app/BUILD.yaml@refs/heads/main", claim(18))
    check("Run Invocation URI", re.fullmatch(re.escape(BUILDER) + r"/builds/[0-9a-f]{64}", claim(21)), claim(21))

    # Google's post: the log knows the artifact by its digest, and hands out the statement.
    digest = hashlib.sha256(read("out.tar.gz")).hexdigest()
    found = run(MARTLET, "log", "search", "--log-url", URL, "--trusted-root", f"{WORK}/trust.json", "--sha",
                digest).split()
    check("log search finds the artifact", len(found) >= 1, str(found))
    shown = run("sh", "-c", '"$0" log get --log-url "$1" --trusted-root "$2" --uuid "$3" --format json'
                ' | jq -r .Attestation | base64 -d | jq -c .', MARTLET, URL, f"{WORK}/trust.json", found[-1])
    statement = json.loads(shown)
    check("the log's statement", statement["predicateType"] == "https://slsa.dev/provenance/v1")
    check("is of the artifact", digest in json.dumps(statement["subject"]))
    # Every package of the build is there, the library too.
    lines = [json.loads(line) for line in run(
        "tar", "-Oxzf", out, "./provenance-bundle.jsonl").splitlines() if line]
    names = []
    for line in lines:
        payload = base64.b64decode(line["payload"])
        names.append(json.loads(payload)["subject"][0]["name"])
        check("a certificate for each", "certificate" in line["verificationMaterial"])
    check("two packages", names == ["lib:lib", "app:app"], str(names))

    # A cached build signs nothing anew; a token alone signs too, for a person.
    before = run(MARTLET, "log", "search", "--log-url", URL, "--trusted-root", f"{WORK}/trust.json", "--sha", digest)
    run(MARTLET, "build", "--sign", "keyless", *minted, *root, "--save", out, where=f"{WORK}/ws")
    after = run(MARTLET, "log", "search", "--log-url", URL, "--trusted-root", f"{WORK}/trust.json", "--sha", digest)
    check("nothing is signed twice", before == after, f"{before} {after}")


def failures():
    """Whatever keeps a statement from being signed fails the build, and nothing is saved."""
    root = ["--trusted-root", f"{WORK}/trust.json", "--signing-config", f"{WORK}/signing.json"]
    out = f"{WORK}/failed.tar.gz"
    cases = [
        (["--issuer-client", "ci", "--issuer-secret-file", write("wrong", "guess\n"), "--builder-id", BUILDER], 1),
        (["--issuer-client", "ci", "--issuer-secret-file", f"{WORK}/secret", "--builder-id",
          "https://ci.example/elsewhere"], 1),
        (["--issuer-client", "ci", "--builder-id", BUILDER], 2),
        (["--identity-token-file", write("junk", "junk\n")], 2),
        ([], 2),
    ]
    for words, status in cases:
        run(MARTLET, "build", "--sign", "keyless", *words, *root, "--save", out, where=f"{WORK}/ws", status=status,
            MARTLET_CACHE_DIR=f"{WORK}/failing")
        check("nothing is saved", not os.path.exists(out) and not os.path.exists(out + ".sigstore.json"))


os.makedirs(WORK, exist_ok=True)
run(MARTLET, "authority", "init", "--organization", "Interop", "--dir", f"{DATA}/authority")
run(MARTLET, "authority", "client", "ci", "--builds", "https://ci.example/builders", "--dir", f"{DATA}/authority",
    "--secret-file", write("secret", "hush\n"))
server, URL = serve()
try:
    trust = json.load(urllib.request.urlopen(f"{URL}/trust/config.json"))
    # One log, so that a digest has one entry; the first version, whose entries carry attestations.
    trust["signingConfig"]["rekorTlogUrls"] = [
        log for log in trust["signingConfig"]["rekorTlogUrls"] if log["majorApiVersion"] == 1]
    write("trust.json", json.dumps(trust))
    write("signing.json", json.dumps(trust["signingConfig"]))
    commit = workspace()
    signed_build(commit)
    failures()
finally:
    server.send_signal(signal.SIGTERM)
    check("graceful end", server.wait(timeout=60) == 0)
# Without its services, nothing is signed and nothing counts as built.
run(MARTLET, "build", "--sign", "keyless", "--issuer-client", "ci", "--issuer-secret-file", f"{WORK}/secret",
    "--builder-id", BUILDER, "--trusted-root", f"{WORK}/trust.json", "--signing-config", f"{WORK}/signing.json",
    "--save", f"{WORK}/failed.tar.gz", where=f"{WORK}/ws", status=3, MARTLET_CACHE_DIR=f"{WORK}/failing")
check("nothing is saved", not os.path.exists(f"{WORK}/failed.tar.gz"))
print(f"builds sign for themselves, and the log has their statements ({checks} checks)")
