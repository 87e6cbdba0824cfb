"""sigstore-python's own clients against martlet's log: as Rekor v1 and as Rekor v2, and martlet looking into it.

    log.py MARTLET VIRTUAL-SIGSTORE WORK
"""
import base64, hashlib, json, os, subprocess, sys, time, urllib.request

MARTLET, SERVER, WORK = (os.path.abspath(word) for word in sys.argv[1:])
checks = 0


def check(holds, what):
    global checks
    checks += 1
    if not holds:
        sys.exit(f"log: {what}")


def run(*words, status=0, **options):
    done = subprocess.run(words, capture_output=True, text=True, **options)
    check(done.returncode == status, f"{' '.join(words)}: expected {status}, got {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def wait(path, process):
    for _ in range(400):
        if os.path.exists(path):
            return
        if process.poll() is not None:
            sys.exit("log: a server has ended")
        time.sleep(0.05)
    sys.exit("log: a server did not start")


def get(url):
    with urllib.request.urlopen(url) as answer:
        return answer.read()


def main():
    from sigstore.dsse import StatementBuilder, Subject
    from sigstore.models import ClientTrustConfig
    from sigstore.oidc import IdentityToken
    from sigstore.sign import SigningContext
    from sigstore.verify import Verifier, policy
    from sigstore.models import Bundle

    data, folder = f"{WORK}/data", f"{WORK}/sigstore"
    os.makedirs(data)
    os.makedirs(folder)
    log = subprocess.Popen([MARTLET, "serve", "--data", data, "--only", "log", "--listen", "127.0.0.1:0"],
                           stdout=subprocess.DEVNULL)
    others = subprocess.Popen([SERVER, "1", folder])
    try:
        wait(f"{data}/address", log)
        wait(f"{folder}/ready", others)
        with open(f"{data}/address") as file:
            url = file.read().strip()
        with open(f"{data}/log/name") as file:
            origin = file.read()
        promise = get(f"{url}/api/v1/log/publicKey").decode()
        promise_der = base64.b64decode("".join(promise.split("\n")[1:-2]))
        pem = subprocess.run(["openssl", "pkey", "-in", f"{data}/log/checkpoint.key", "-pubout", "-outform", "DER"],
                             capture_output=True, check=True).stdout
        ed25519 = pem[-32:]
        with open(f"{folder}/trust_config.json") as file:
            config = json.load(file)
        period = config["trustedRoot"]["tlogs"][0]["publicKey"]["validFor"]

        def entry(der, details, key_id):
            return {"baseUrl": url, "hashAlgorithm": "SHA2_256", "logId": {"keyId": base64.b64encode(key_id).decode()},
                    "publicKey": {"rawBytes": base64.b64encode(der).decode(), "keyDetails": details, "validFor": period}}

        config["trustedRoot"]["tlogs"] = [
            entry(promise_der, "PKIX_ECDSA_P256_SHA_256", hashlib.sha256(promise_der).digest()),
            entry(pem, "PKIX_ED25519", hashlib.sha256(origin.encode() + b"\n\x01" + ed25519).digest()),
        ]
        with open(f"{folder}/trusted_root.json", "w") as file:
            json.dump(config["trustedRoot"], file)
        with open(f"{folder}/token") as file:
            token = IdentityToken(file.read())
        identity = policy.Identity(identity="someone@example.org", issuer="https://accounts.example")
        artifact = b"an artifact\n"
        digest = hashlib.sha256(artifact).hexdigest()
        statement = StatementBuilder(
            subjects=[Subject(name="artifact", digest={"sha256": digest})],
            predicate_type="https://example.org/p", predicate={"said": "so"}).build()

        for version in (1, 2):
            service = dict(config["signingConfig"]["rekorTlogUrls"][0], url=url, majorApiVersion=version)
            config["signingConfig"]["rekorTlogUrls"] = [service]
            trust = ClientTrustConfig.from_json(json.dumps(config))
            context = SigningContext.from_trust_config(trust)
            verifier = Verifier(trusted_root=trust.trusted_root)
            with context.signer(token) as signer:
                message = signer.sign_artifact(artifact)
                envelope = signer.sign_dsse(statement)
            for bundle in (message, envelope):
                again = Bundle.from_json(bundle.to_json())
                if bundle is message:
                    verifier.verify_artifact(artifact, again, identity)
                else:
                    verifier.verify_dsse(again, identity)
                name = f"{WORK}/bundle-{version}-{bundle is message}.json"
                with open(name, "w") as file:
                    file.write(again.to_json())
                with open(f"{WORK}/artifact", "wb") as file:
                    file.write(artifact)
                run(MARTLET, "verify-bundle", "--bundle", name, "--certificate-identity", "someone@example.org",
                    "--certificate-oidc-issuer", "https://accounts.example", "--trusted-root",
                    f"{folder}/trusted_root.json", f"{WORK}/artifact")

        # Google's transcript: look for the artifact, get the entry, read the statement.
        options = ["--log-url", url, "--trusted-root", f"{folder}/trusted_root.json"]
        names = run(MARTLET, "log", "search", *options, "--sha", digest).split()
        check(len(names) == 3, f"the digest finds {len(names)} entries, and should find three")
        check(json.loads(run(MARTLET, "log", "search", *options, "--artifact", f"{WORK}/artifact", "--json"))["UUIDs"]
              == names, "the artifact finds what its digest finds")
        by_mail = run(MARTLET, "log", "search", *options, "--email", "someone@example.org").split()
        check(len(by_mail) == 4, f"the address finds {len(by_mail)} entries, and should find four")
        run(MARTLET, "log", "search", *options, "--email", "nobody@example.org", status=1)
        statements = []
        for name in names:
            shown = json.loads(run(MARTLET, "log", "get", *options, "--uuid", name, "--format", "json"))
            check(shown["UUID"] == name, "the name is told")
            if shown["Attestation"]:
                statements.append(json.loads(base64.b64decode(shown["Attestation"])))
        check([one["predicate"] for one in statements] == [{"said": "so"}], "the statement is kept")
        shell = f'"{MARTLET}" log get --log-url {url} --trusted-root {folder}/trusted_root.json --log-index 1 --format json | jq -r .Attestation | base64 -d | jq -r .predicateType'
        check(run("sh", "-c", shell) == "https://example.org/p\n", "the transcript of the post")
        run(MARTLET, "log", "verify", *options, "--checkpoint", f"{WORK}/checkpoint", "--log-index", "2")
        run(MARTLET, "log", "verify", *options, "--checkpoint", f"{WORK}/checkpoint", "--uuid", names[0])
        with open(f"{WORK}/promise.pem", "w") as file:
            file.write(promise)
        run(MARTLET, "log", "get", "--log-url", url, "--log-key", f"{WORK}/promise.pem", "--log-index", "0")
        # Another key's log is not believed.
        stranger = subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout"],
                                  capture_output=True, check=True).stdout
        public = subprocess.run(["openssl", "ec", "-pubout"], input=stranger, capture_output=True, check=True).stdout
        with open(f"{WORK}/stranger.pem", "wb") as file:
            file.write(public)
        run(MARTLET, "log", "get", "--log-url", url, "--log-key", f"{WORK}/stranger.pem", "--log-index", "0", status=1)
        seen = run(MARTLET, "log", "monitor", *options, "--state", f"{WORK}/state", "--from-start", "--email",
                   "someone@example.org").splitlines()
        check(len(seen) == 4, "the monitor tells four entries")
        check(run(MARTLET, "log", "monitor", *options, "--state", f"{WORK}/state", "--email", "someone@example.org") == "",
              "the monitor tells each once")

        # Another log takes over the entries, what finds them and the statements.
        for _ in range(2):
            moved = json.loads(run(MARTLET, "log", "import", "--data", f"{WORK}/moved", *options, "--json"))
            check(moved["treeSize"] == 4, "the import brings four entries")
        check(moved["rootHash"] in json.loads(get(f"{url}/api/v1/log"))["rootHash"], "both logs have one root")
        run(MARTLET, "log", "fsck", "--data", f"{WORK}/moved")
        run(MARTLET, "log", "freeze", "--data", f"{WORK}/moved")
        run(MARTLET, "log", "export", "--data", f"{WORK}/moved", f"{WORK}/files")
        run("openssl", "pkey", "-in", f"{WORK}/moved/log/checkpoint.key", "-pubout", "-out", f"{WORK}/moved.pem")
        run(MARTLET, "log", "import", "--data", f"{WORK}/again", "--tiles", f"{WORK}/files", "--key", f"{WORK}/moved.pem")
        run(MARTLET, "log", "import", "--data", f"{WORK}/not", "--tiles", f"{WORK}/files", "--key", f"{WORK}/promise.pem",
            status=1)
        check(not os.path.exists(f"{WORK}/not"), "a log of another key makes nothing")
        second = subprocess.Popen([MARTLET, "serve", "--data", f"{WORK}/moved", "--only", "log", "--listen",
                                   "127.0.0.1:0"], stdout=subprocess.DEVNULL)
        try:
            wait(f"{WORK}/moved/address", second)
            with open(f"{WORK}/moved/address") as file:
                there = file.read().strip()
            run("openssl", "pkey", "-in", f"{WORK}/moved/log/promise.key", "-pubout", "-out", f"{WORK}/moved.pem")
            with open(f"{WORK}/moved/log/name") as file:
                check(file.read() == origin, "the log keeps its name")
            found = json.loads(get(f"{there}/api/v1/log/entries?logIndex=1")).popitem()[1]
            check(json.loads(base64.b64decode(found["attestation"]["data"]))["predicate"] == {"said": "so"},
                  "the statement moved, too")
            ask = urllib.request.Request(f"{there}/api/v1/index/retrieve", json.dumps({"hash": f"sha256:{digest}"}).encode(),
                                         {"Content-Type": "application/json"})
            # Version 1 says of an envelope's entry whose subjects it names only when it is sent.
            check(len(json.loads(get(ask))) >= 2, "entries are found by their digest")
        finally:
            second.terminate()
            second.wait()

        # OpenSSL takes our promise for what it is.
        found = list(json.loads(get(f"{url}/api/v1/log/entries?logIndex=0")).values())[0]
        promised = {key: found[key] for key in ("body", "integratedTime", "logID", "logIndex")}
        with open(f"{WORK}/promised", "w") as file:
            file.write(json.dumps(promised, sort_keys=True, separators=(",", ":")))
        with open(f"{WORK}/promise", "wb") as file:
            file.write(base64.b64decode(found["verification"]["signedEntryTimestamp"]))
        run("openssl", "dgst", "-sha256", "-verify", f"{WORK}/promise.pem", "-signature", f"{WORK}/promise",
            f"{WORK}/promised")
    finally:
        for process in (log, others):
            process.terminate()
            process.wait()
    print(f"sigstore-python signs and verifies with martlet's log as Rekor v1 and v2: {checks} checks")


main()
