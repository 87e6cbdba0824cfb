"""Keys and signatures between martlet, OpenSSL, Python's cryptography, libsodium and securesystemslib.

Usage: keys.py MARTLET FOLDER. Every algorithm, in both directions: key files in each container, and signatures."""

import base64
import hashlib
import json
import os
import pathlib
import pty
import subprocess
import sys
import textwrap

import nacl.bindings
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

PASSPHRASE = b"open sesame"
MARTLET, WORK = sys.argv[1], pathlib.Path(sys.argv[2])
ENVIRONMENT = os.environ | {"MARTLET_KEY_PASSWORD": PASSPHRASE.decode()}
ALGORITHMS = ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "ed25519", "rsa-2048", "rsa-3072", "rsa-4096", "ml-dsa-65",
              "ml-dsa-87"]
# OpenSSL 3.0 knows no ML-DSA.
OPENSSL = [name for name in ALGORITHMS if not name.startswith("ml-dsa")]
MESSAGE = b"a message of some length\n" * 40
passed = 0


def check(condition, what):
    global passed
    if not condition:
        sys.exit(f"interop: FAILED: {what}")
    passed += 1


def run(*command, stdin=None, status=0):
    outcome = subprocess.run(command, input=stdin, capture_output=True, env=ENVIRONMENT, cwd=WORK)
    if outcome.returncode != status:
        sys.exit(f"interop: FAILED: {' '.join(map(str, command))}: {outcome.returncode}: {outcome.stderr.decode()}")
    return outcome.stdout


def spki(key):
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def key_id(reference):
    return json.loads(run(MARTLET, "key", "show", "--json", reference))["id"]


def made(name):
    """A new key by Python."""
    if name.startswith("ecdsa"):
        curve = {"p256": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1}[name.split("-")[1]]
        return ec.generate_private_key(curve())
    if name.startswith("rsa"):
        return rsa.generate_private_key(65537, int(name.split("-")[1]))
    return {"ed25519": ed25519.Ed25519PrivateKey, "ml-dsa-65": mldsa.MLDSA65PrivateKey,
            "ml-dsa-87": mldsa.MLDSA87PrivateKey}[name].generate()


def verify(name, key, signature):
    hash_function = {"ecdsa-p384": hashes.SHA384, "ecdsa-p521": hashes.SHA512}.get(name, hashes.SHA256)()
    if name.startswith("ecdsa"):
        key.verify(signature, MESSAGE, ec.ECDSA(hash_function))
    elif name.startswith("rsa"):
        key.verify(signature, MESSAGE, padding.PKCS1v15(), hash_function)
    else:
        key.verify(signature, MESSAGE)


def cosign_open(text):
    """cosign's container, by hashlib's scrypt and libsodium's secret box."""
    lines = text.decode().strip().splitlines()
    check(lines[0] == "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----", "cosign's label")
    value = json.loads(base64.b64decode("".join(lines[1:-1])))
    parameters = value["kdf"]["params"]
    key = hashlib.scrypt(PASSPHRASE, salt=base64.b64decode(value["kdf"]["salt"]), n=parameters["N"], r=parameters["r"],
                         p=parameters["p"], dklen=32, maxmem=1 << 28)
    return nacl.bindings.crypto_secretbox_open(
        base64.b64decode(value["ciphertext"]), base64.b64decode(value["cipher"]["nonce"]), key)


def cosign_seal(der):
    salt, nonce = os.urandom(32), os.urandom(24)
    key = hashlib.scrypt(PASSPHRASE, salt=salt, n=32768, r=8, p=1, dklen=32, maxmem=1 << 28)
    value = {"kdf": {"name": "scrypt", "params": {"N": 32768, "r": 8, "p": 1}, "salt": base64.b64encode(salt).decode()},
             "cipher": {"name": "nacl/secretbox", "nonce": base64.b64encode(nonce).decode()},
             "ciphertext": base64.b64encode(nacl.bindings.crypto_secretbox(der, nonce, key)).decode()}
    text = base64.b64encode(json.dumps(value).encode()).decode()
    label = "ENCRYPTED COSIGN PRIVATE KEY"
    return f"-----BEGIN {label}-----\n" + "\n".join(textwrap.wrap(text, 64)) + f"\n-----END {label}-----\n"


def martlet_to_others(name):
    for form in ("cosign", "pkcs8"):
        run(MARTLET, "key", "generate", "--algorithm", name, "--format", form, "--output", f"{name}-{form}")
        public = serialization.load_pem_public_key((WORK / f"{name}-{form}.pub").read_bytes())
        text = (WORK / f"{name}-{form}.key").read_bytes()
        if form == "cosign":
            private = serialization.load_der_private_key(cosign_open(text), None)
        else:
            private = serialization.load_pem_private_key(text, PASSPHRASE)
            if name in OPENSSL:
                shown = run("openssl", "pkey", "-in", f"{name}-pkcs8.key", "-passin", f"pass:{PASSPHRASE.decode()}",
                            "-pubout")
                check(shown == (WORK / f"{name}-pkcs8.pub").read_bytes(), f"{name}: OpenSSL opens the key")
        check(spki(private.public_key()) == spki(public), f"{name}: Python opens the {form} key")
        check(key_id(f"{name}-{form}.key") == "sha256:" + hashlib.sha256(spki(public)).hexdigest(), f"{name}: the id")
    plain = run(MARTLET, "key", "export", "--private", "--der", f"{name}-pkcs8.key")
    check(spki(serialization.load_der_private_key(plain, None).public_key()) == spki(public), f"{name}: exported")

    (WORK / "message").write_bytes(MESSAGE)
    run(MARTLET, "sign", "--key", f"{name}-pkcs8.key", "--bundle", "message.bundle", "message")
    bundle = json.loads((WORK / "message.bundle").read_bytes())
    signature = base64.b64decode(bundle["messageSignature"]["signature"])
    verify(name, public, signature)
    try:
        verify(name, public, bytes([signature[0], signature[1], signature[2] ^ 1]) + signature[3:])
        check(False, f"{name}: Python refuses a changed signature")
    except (InvalidSignature, ValueError):
        check(True, f"{name}: Python verifies the signature")
    if name in OPENSSL:
        (WORK / "signature").write_bytes(signature)
        if name == "ed25519":
            run("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", f"{name}-pkcs8.pub", "-rawin", "-in", "message",
                "-sigfile", "signature")
        else:
            digest = {"ecdsa-p384": "-sha384", "ecdsa-p521": "-sha512"}.get(name, "-sha256")
            run("openssl", "dgst", digest, "-verify", f"{name}-pkcs8.pub", "-signature", "signature", "message")
        check(True, f"{name}: OpenSSL verifies the signature")


def others_to_martlet(name):
    key = made(name)
    expected = "sha256:" + hashlib.sha256(spki(key.public_key())).hexdigest()
    forms = [(serialization.PrivateFormat.PKCS8, serialization.NoEncryption())]
    if not name.startswith("ml-dsa"):
        forms.append((serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(PASSPHRASE)))
    if name.startswith(("ecdsa", "rsa")):
        forms.append((serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()))
    for number, (form, encryption) in enumerate(forms):
        for encoding, suffix in ((serialization.Encoding.PEM, "pem"), (serialization.Encoding.DER, "der")):
            file = WORK / f"{name}-{number}.{suffix}"
            file.touch(mode=0o600)
            file.write_bytes(key.private_bytes(encoding, form, encryption))
            check(key_id(file.name) == expected, f"{name}: Python's {form} {suffix}")
    der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (WORK / f"{name}.cosign").write_text(cosign_seal(der))
    check(key_id(f"{name}.cosign") == expected, f"{name}: the secret box of libsodium")
    run(MARTLET, "key", "import", f"{name}-0.pem", "--output", f"{name}-imported")
    check(key_id(f"{name}-imported.pub") == expected, f"{name}: imported")
    if name in OPENSSL:
        for number, options in enumerate((["-scrypt"], ["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA512"])):
            file = f"{name}-openssl-{number}.pem"
            run("openssl", "pkcs8", "-topk8", "-in", f"{name}-0.pem", "-out", file, "-passout",
                f"pass:{PASSPHRASE.decode()}", *options)
            check(key_id(file) == expected, f"{name}: OpenSSL's {' '.join(options)}")


def statements():
    """A signed build, whose envelopes securesystemslib, in-toto's own library, verifies."""
    workspace = WORK / "workspace"
    (workspace / "lib").mkdir(parents=True)
    (workspace / "WORKSPACE.yaml").write_text("defaultTarget: lib:top\n")
    (workspace / "lib/BUILD.yaml").write_text(
        "packages:\n- {name: low, type: generic}\n- {name: top, type: generic, deps: [':low']}\n")
    run(MARTLET, "build", "--quiet", "-w", workspace, "--sign", "--key", WORK / "ecdsa-p256-pkcs8.key", "--no-embed",
        "--save", WORK / "top.tar")
    public = serialization.load_pem_public_key((WORK / "ecdsa-p256-pkcs8.pub").read_bytes())
    key = SSlibKey.from_crypto(public, keyid=hashlib.sha256(spki(public)).hexdigest())
    lines = (WORK / "top.tar.provenance.jsonl").read_bytes().splitlines()
    bundle = json.loads((WORK / "top.tar.sigstore.json").read_bytes())
    check(len(lines) == 2, "a statement for each package")
    for envelope in [json.loads(line) for line in lines] + [bundle["dsseEnvelope"]]:
        check(len(Envelope.from_dict(envelope).verify([key], 1)) == 1, "securesystemslib verifies the envelope")
    subjects = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))["subject"]
    digest = hashlib.sha256((WORK / "top.tar").read_bytes()).hexdigest()
    check(digest in [subject["digest"]["sha256"] for subject in subjects], "the archive is a subject")
    run(MARTLET, "verify", "top.tar", "--key", "ecdsa-p256-pkcs8.pub")
    (WORK / "top.tar").write_bytes((WORK / "top.tar").read_bytes()[:-1] + b"x")
    run(MARTLET, "verify", "top.tar", "--key", "ecdsa-p256-pkcs8.pub", status=1)
    print("ok: envelopes of a signed build")


def typed(answer):
    """What `key show` prints when its passphrase is typed at a terminal, and its exit status."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(WORK)
        os.environ.pop("MARTLET_KEY_PASSWORD", None)
        os.execv(MARTLET, [MARTLET, "key", "show", "ed25519-cosign.key"])
    shown = b""
    while True:
        try:
            more = os.read(terminal, 4096)
        except OSError:
            more = b""
        if not more:
            break
        shown += more
        if shown.endswith(b"key: "):
            os.write(terminal, answer)
    return shown, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def terminal():
    shown, status = typed(b"no\x15open sesamx\x7fe\r")
    check(status == 0 and b"Ed25519" in shown and b"sesam" not in shown, "a passphrase is typed, corrected and not shown")
    shown, status = typed(b"open\x03")
    check(status == 2 and b"open" not in shown, "Control-C ends the question")
    print("ok: passphrases at a terminal")


for algorithm in ALGORITHMS:
    martlet_to_others(algorithm)
    others_to_martlet(algorithm)
    print(f"ok: {algorithm}: key files and signatures, both ways", flush=True)
statements()
terminal()
print(f"interop of keys: {passed} passed, 0 failed")
