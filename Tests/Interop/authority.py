"""A server's authority, asked by other people's programs: OpenSSL, pyca/cryptography, rfc3161-client, python-tuf and
sigstore-python, none of them changed.

    authority.py MARTLET SIGSTORE-PYTHON WORK
"""
import base64, hashlib, json, os, re, signal, subprocess, sys, time, urllib.error, urllib.parse, urllib.request

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, VerifierBuilder, decode_timestamp_response
from sigstore.dsse import Statement
from sigstore.models import Bundle, ClientTrustConfig
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity
from tuf.ngclient import Updater

MARTLET, SIGSTORE, WORK = (os.path.abspath(word) for word in sys.argv[1:])
DATA = f"{WORK}/data"
ENVIRONMENT = {**os.environ, "MARTLET_KEY_PASSWORD": "interop", "HOME": WORK, "XDG_DATA_HOME": f"{WORK}/share",
               "XDG_CACHE_HOME": f"{WORK}/cache"}
checks = 0


def check(what, holds, why=""):
    global checks
    checks += 1
    if not holds:
        sys.exit(f"authority: {what}: {why}")


def run(*words, status=0, stdin=None):
    done = subprocess.run(words, capture_output=True, text=True, env=ENVIRONMENT, input=stdin)
    check(" ".join(words[:6]), (done.returncode == 0) == (status == 0), f"{done.returncode}\n{done.stdout}{done.stderr}")
    return done


def ask(path, body=None, status=200, **fields):
    request = urllib.request.Request(path if "://" in path else URL + path, data=body,
                                     headers={name.replace("_", "-"): value for name, value in fields.items()})
    try:
        with urllib.request.urlopen(request) as answer:
            code, content = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        code, content = error.code, error.read()
    check(path, code == status, f"{code}: {content[:500]}")
    return content


def write(name, content):
    with open(f"{WORK}/{name}", "wb") as file:
        file.write(content)
    return f"{WORK}/{name}"


def serve():
    process = subprocess.Popen([MARTLET, "serve", "--data", DATA, "--listen", "127.0.0.1:0"], env=ENVIRONMENT,
                               stdout=subprocess.DEVNULL)
    for _ in range(400):
        if os.path.exists(f"{DATA}/address"):
            with open(f"{DATA}/address") as file:
                return process, file.read().strip()
        if process.poll() is not None:
            break
        time.sleep(0.05)
    sys.exit("authority: the server did not start")


def form(**members):
    return urllib.parse.urlencode(members).encode()


def token(**build):
    members = {"grant_type": "client_credentials", "client_id": "ci", "client_secret": "hush"}
    if build:
        members["build"] = json.dumps(build)
    return json.loads(ask("/identity/token", form(**members)))["id_token"]


def person():
    """A person's token, as a program on their machine gets it: a code for a login in the browser."""
    verifier = "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    wish = {"response_type": "code", "client_id": "sigstore", "redirect_uri": "urn:ietf:wg:oauth:2.0:oob",
            "code_challenge": challenge, "code_challenge_method": "S256"}
    page = ask("/identity/auth", form(username="alice", password="alice's password", **wish)).decode()
    code = re.search(r"Your code: ([\w-]+)", page).group(1)
    return json.loads(ask("/identity/token", form(
        grant_type="authorization_code", client_id="sigstore", code=code, code_verifier=verifier,
        redirect_uri=wish["redirect_uri"])))["id_token"]


def certificates():
    text = token(build_signer_uri="https://ci.example/builders/main", source_repository_digest="aaaa")
    roots = ask("/api/v1/rootCert")
    write("root.pem", roots)
    keys = [ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1()),
            ec.generate_private_key(ec.SECP521R1()), ed25519.Ed25519PrivateKey.generate(),
            rsa.generate_private_key(65537, 2048)]
    for key in keys:
        edwards = isinstance(key, ed25519.Ed25519PrivateKey)
        request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(
            key, None if edwards else hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        body = json.dumps({"credentials": {"oidcIdentityToken": text},
                           "certificateSigningRequest": base64.b64encode(request).decode()}).encode()
        answer = json.loads(ask("/api/v2/signingCert", body))
        chain = answer["signedCertificateEmbeddedSct"]["chain"]["certificates"]
        leaf, *issuers = (x509.load_pem_x509_certificate(c.encode()) for c in chain)
        check("key", leaf.public_key() == key.public_key())
        value = lambda n: leaf.extensions.get_extension_for_oid(
            x509.ObjectIdentifier(f"1.3.6.1.4.1.57264.1.{n}")).value.value
        check("build signer", value(9) == b"\x0c\x20https://ci.example/builders/main", value(9))
        check("raw issuer", value(1) == f"{URL}/identity".encode())
        scts = leaf.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps).value
        check("one promise", len(list(scts)) == 1)
        # pyca's verifier, which is strict about the profile of every certificate of the chain.
        policy = ExtensionPolicy.webpki_defaults_ee().may_be_present(
            x509.ExtendedKeyUsage, Criticality.AGNOSTIC, None).require_present(
            x509.SubjectAlternativeName, Criticality.CRITICAL, None)
        verifier = PolicyBuilder().store(Store([issuers[-1]])).extension_policies(
            ca_policy=ExtensionPolicy.webpki_defaults_ca().may_be_present(
                x509.ExtendedKeyUsage, Criticality.AGNOSTIC, None), ee_policy=policy).build_client_verifier()
        if not isinstance(key.public_key(), ec.EllipticCurvePublicKey) or key.curve.name != "secp521r1":
            try:
                verified = verifier.verify(leaf, issuers[:-1])
                check("pyca's chain", len(verified.chain) == 3)
            except x509.verification.VerificationError as error:
                # The default verifier takes the keys of the web alone.
                check("pyca", "public key" in str(error), str(error))
        write("leaf.pem", chain[0].encode())
        write("issuer.pem", chain[1].encode())
        write("anchor.pem", chain[2].encode())
        run("openssl", "verify", "-x509_strict", "-purpose", "any", "-CAfile", f"{WORK}/anchor.pem", "-untrusted",
            f"{WORK}/issuer.pem", f"{WORK}/leaf.pem")
    shown = run("openssl", "x509", "-in", f"{WORK}/leaf.pem", "-noout", "-text").stdout
    check("openssl reads the promise", "CT Precertificate SCTs" in shown)
    ask("/api/v2/signingCert", body.replace(text.encode(), (text[:-4] + "AAAA").encode()), status=401)


def timestamps():
    chain = x509.load_pem_x509_certificates(ask("/api/v1/timestamp/certchain"))
    write("tsa-root.pem", chain[-1].public_bytes(serialization.Encoding.PEM))
    data = write("stamped", b"stamped\n")
    for name in ("sha256", "sha384", "sha512"):
        run("openssl", "ts", "-query", "-data", data, f"-{name}", "-cert", "-out", f"{WORK}/query.tsq")
        with open(f"{WORK}/query.tsq", "rb") as file:
            query = file.read()
        write("reply.tsr", ask("/api/v1/timestamp", query, status=201, Content_Type="application/timestamp-query"))
        run("openssl", "ts", "-verify", "-queryfile", f"{WORK}/query.tsq", "-in", f"{WORK}/reply.tsr", "-CAfile",
            f"{WORK}/tsa-root.pem")
        run("openssl", "ts", "-verify", "-data", f"{WORK}/root.pem", "-in", f"{WORK}/reply.tsr", "-CAfile",
            f"{WORK}/tsa-root.pem", status=1)
    for algorithm in (HashAlgorithm.SHA256, HashAlgorithm.SHA512):
        request = TimestampRequestBuilder().data(b"stamped\n").hash_algorithm(algorithm).build()
        reply = decode_timestamp_response(
            ask("/api/v1/timestamp", request.as_bytes(), status=201, Content_Type="application/timestamp-query"))
        verifier = VerifierBuilder.from_request(request).tsa_certificate(chain[0]).add_root_certificate(chain[-1])
        check("rfc3161-client", verifier.build().verify_message(reply, b"stamped\n"))
    refused = ask("/api/v1/timestamp", query[:-3], status=400, Content_Type="application/timestamp-query")
    text = run("openssl", "ts", "-reply", "-in", write("refused.tsr", refused), "-text").stdout
    check("openssl reads a refusal", "Rejected" in text or "rejection" in text.lower(), text)


def updates():
    os.makedirs(f"{WORK}/tuf-client", exist_ok=True)
    updater = Updater(metadata_dir=f"{WORK}/tuf-client", metadata_base_url=f"{URL}/tuf/",
                      target_base_url=f"{URL}/tuf/targets/", target_dir=f"{WORK}/tuf-client",
                      bootstrap=ask("/tuf/1.root.json"))
    updater.refresh()
    for name in ("trusted_root.json", "signing_config.v0.2.json"):
        with open(updater.download_target(updater.get_targetinfo(name))) as file:
            json.load(file)
            check(name, True)
    versions = updater._trusted_set
    return versions.root.version, versions.timestamp.version


def signs(version):
    """sigstore-python signs and verifies with what the server says of itself."""
    config = json.loads(ask("/trust/config.json"))
    logs = config["signingConfig"]["rekorTlogUrls"]
    config["signingConfig"]["rekorTlogUrls"] = [log for log in logs if log["majorApiVersion"] == version]
    trust = write(f"trust-{version}.json", json.dumps(config).encode())
    artifact, bundle = write("artifact", b"an artifact\n"), f"{WORK}/bundle-{version}.json"
    for text, name in ((person(), "alice@example.org"),):
        run(SIGSTORE, "--trust-config", trust, "sign", "--identity-token", text, "--bundle", bundle, "--overwrite",
            artifact)
        identity = ["--cert-identity", name, "--cert-oidc-issuer", f"{URL}/identity"]
        run(SIGSTORE, "--trust-config", trust, "verify", "identity", "--bundle", bundle, *identity, artifact)
        run(SIGSTORE, "--trust-config", trust, "verify", "identity", "--bundle", bundle, *identity, f"{WORK}/root.pem",
            status=1)
        run(MARTLET, "verify-bundle", "--bundle", bundle, "--certificate-identity", name, "--certificate-oidc-issuer",
            f"{URL}/identity", "--trusted-root", trust, artifact)
        write("token", person().encode())
        run(MARTLET, "sign", "--identity-token-file", f"{WORK}/token", "--trusted-root", trust, "--signing-config",
            trust, "--bundle", f"{WORK}/own-{version}.json", artifact)
        run(SIGSTORE, "--trust-config", trust, "verify", "identity", "--bundle", f"{WORK}/own-{version}.json",
            *identity, artifact)


def conforms(version):
    """The signing cases of Sigstore's conformance suite, by its command-line protocol, each side checked by the other."""
    trust = f"{WORK}/trust-{version}.json"
    with open(trust) as file:
        config = json.load(file)
    run(MARTLET, "trust", "init", "--force", "--root", write("1.root.json", ask("/tuf/1.root.json")), "--mirror",
        f"{URL}/tuf/")
    signing = ["--signing-config", write("signing.json", json.dumps(config["signingConfig"]).encode())]
    artifact, bundle = write("a.txt", b"an artifact to sign\n"), f"{WORK}/conforming.json"
    digest = hashlib.sha256(b"an artifact to sign\n").hexdigest()
    statement = json.dumps({
        "_type": "https://in-toto.io/Statement/v1", "subject": [{"name": "a.txt", "digest": {"sha256": digest}}],
        "predicateType": "https://example.org/predicate", "predicate": {}}).encode()
    identity = ["--certificate-identity", "alice@example.org", "--certificate-oidc-issuer", f"{URL}/identity"]
    theirs = ["--cert-identity", "alice@example.org", "--cert-oidc-issuer", f"{URL}/identity"]
    for words, input in (([], artifact), (["--in-toto"], write("statement.json", statement))):
        run(MARTLET, "sign-bundle", *words, "--identity-token", person(), "--bundle", bundle, *signing, input)
        with open(bundle) as file:
            made = json.load(file)
        kind = made["verificationMaterial"]["tlogEntries"][0]["kindVersion"]
        # Version 2 of the log has one kind for both.
        wanted = "dsse" if words and version == 1 else "hashedrekord"
        check("entry", kind == {"kind": wanted, "version": f"0.0.{version}"}, str(kind))
        leaf = x509.load_der_x509_certificate(
            base64.b64decode(made["verificationMaterial"]["certificate"]["rawBytes"]))
        check("no authority's certificate",
              not any(e.oid == x509.BasicConstraints.oid and e.value.ca for e in leaf.extensions))
        if words:
            check("the statement's bytes", base64.b64decode(made["dsseEnvelope"]["payload"]) == statement)
        for what in (artifact, f"sha256:{digest}"):
            run(MARTLET, "verify-bundle", "--bundle", bundle, *identity, what)
        run(SIGSTORE, "--trust-config", trust, "verify", "identity", "--bundle", bundle, *theirs, artifact)
    # sigstore-python has no command that signs statements.
    with open(trust) as file:
        client = ClientTrustConfig.from_json(file.read())
    with SigningContext.from_trust_config(client).signer(IdentityToken(person())) as signer:
        made = signer.sign_dsse(Statement(statement)).to_json()
    Verifier(trusted_root=client.trusted_root).verify_dsse(
        Bundle.from_json(made), Identity(identity="alice@example.org", issuer=f"{URL}/identity"))
    run(MARTLET, "verify-bundle", "--bundle", write("theirs.json", made.encode()), *identity, "--trusted-root", trust,
        artifact)


os.makedirs(WORK, exist_ok=True)
AUTHORITY = f"{DATA}/authority"
run(MARTLET, "authority", "init", "--organization", "Interop", "--dir", AUTHORITY)
run(MARTLET, "authority", "user", "alice", "--email", "alice@example.org", "--dir", AUTHORITY, "--password-file",
    write("password", b"alice's password\n"))
run(MARTLET, "authority", "client", "ci", "--builds", "https://ci.example/builders", "--dir", AUTHORITY,
    "--secret-file", write("secret", b"hush\n"))
server, URL = serve()
try:
    certificates()
    timestamps()
    first = updates()
    check("first update", first == (1, 1), str(first))
    versions = {log["majorApiVersion"] for log in
                json.loads(ask("/trust/config.json"))["signingConfig"]["rekorTlogUrls"]}
    for version in sorted(versions):
        signs(version)
        conforms(version)
finally:
    server.send_signal(signal.SIGTERM)
    check("graceful end", server.wait(timeout=60) == 0)
# New keys: clients follow, and what the old ones signed stays good.
run(MARTLET, "authority", "renew", "--dir", AUTHORITY)
for role in ("root", "online"):
    run(MARTLET, "key", "generate", "--algorithm", "ed25519", "--format", "pkcs8", "--output",
        f"{DATA}/trust/keys/{role}-2")
port = URL.rsplit(":", 1)[1]
server, URL = serve()
try:
    second = updates()
    check("second update", second[0] == 2 and second[1] > first[1], str(second))
    certificates()
    timestamps()
    for version in sorted(versions):
        trust = write("trust-new.json", ask("/trust/config.json"))
        run(MARTLET, "verify-bundle", "--bundle", f"{WORK}/bundle-{version}.json", "--certificate-identity",
            "alice@example.org", "--certificate-oidc-issuer", f"http://127.0.0.1:{port}/identity", "--trusted-root",
            trust, f"{WORK}/artifact")
finally:
    server.send_signal(signal.SIGTERM)
    server.wait(timeout=60)
print(f"other people's programs take what the authority issues ({checks} checks; logs of versions {sorted(versions)})")
