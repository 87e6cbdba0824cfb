"""Signing without a key of one's own: martlet and sigstore-python against a Sigstore of the tests, each verifying what
the other made.

    keyless.py MARTLET VIRTUAL-SIGSTORE SIGSTORE-PYTHON WORK
"""
import base64, hashlib, json, os, ssl, subprocess, sys, time

MARTLET, SERVER, SIGSTORE, WORK = (os.path.abspath(word) for word in sys.argv[1:])
IDENTITY = ["someone@example.org", "https://accounts.example"]
checks = 0


def run(*words, status=0):
    global checks
    checks += 1
    done = subprocess.run(words, capture_output=True, text=True)
    if (done.returncode == 0) != (status == 0):
        sys.exit(f"keyless: {' '.join(words)}: expected {status}, got {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


def serve(version, folder, *faults):
    os.makedirs(folder)
    process = subprocess.Popen([SERVER, str(version), folder, *faults])
    for _ in range(200):
        if os.path.exists(f"{folder}/ready"):
            return process
        time.sleep(0.05)
    sys.exit("keyless: the virtual Sigstore did not start")


def both(version):
    folder = f"{WORK}/v{version}"
    server = serve(version, folder)
    try:
        artifact, statement = f"{folder}/artifact", f"{folder}/statement"
        with open(artifact, "wb") as file:
            file.write(b"an artifact\n")
        digest = hashlib.sha256(b"an artifact\n").hexdigest()
        with open(statement, "w") as file:
            json.dump({"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://example.org/p",
                       "predicate": {}, "subject": [{"name": "artifact", "digest": {"sha256": digest}}]}, file)
        with open(f"{folder}/token") as file:
            token = file.read()
        trust = ["--trusted-root", f"{folder}/trusted_root.json", "--signing-config", f"{folder}/signing_config.json"]
        python = [SIGSTORE, "--trust-config", f"{folder}/trust_config.json"]

        def verify(bundle, what=artifact, status=0, identity=IDENTITY):
            run(*python, "verify", "identity", "--bundle", bundle, "--cert-identity", identity[0],
                "--cert-oidc-issuer", identity[1], what, status=status)
            run(MARTLET, "verify-bundle", "--bundle", bundle, "--certificate-identity", identity[0],
                "--certificate-oidc-issuer", identity[1], "--trusted-root", f"{folder}/trusted_root.json", what,
                status=status)

        # The conformance suite's order of words.
        own = f"{folder}/own.json"
        run(MARTLET, "sign-bundle", "--identity-token", token, "--bundle", own, *trust, artifact)
        verify(own)
        verify(own, statement, status=1)
        verify(own, identity=["another@example.org", IDENTITY[1]], status=1)
        attested = f"{folder}/attested.json"
        run(MARTLET, "sign-bundle", "--in-toto", "--identity-token", token, "--bundle", attested, *trust, statement)
        verify(attested)
        verify(attested, statement, status=1)
        run(MARTLET, "sign", "--identity-token-file", f"{folder}/token", *trust, artifact)
        verify(f"{artifact}.sigstore.json")
        run(MARTLET, "attest", "--predicate", statement, "--type", "custom", "--bundle", f"{folder}/custom.json",
            "--identity-token-file", f"{folder}/token", *trust, artifact)
        verify(f"{folder}/custom.json")

        # OpenSSL reads the timestamp, and the certificate.
        with open(own) as file:
            material = json.load(file)["verificationMaterial"]
        stamp = material["timestampVerificationData"]["rfc3161Timestamps"][0]["signedTimestamp"]
        for name, text in (("stamp.tsr", stamp), ("leaf.der", material["certificate"]["rawBytes"])):
            with open(f"{folder}/{name}", "wb") as file:
                file.write(base64.b64decode(text))
        with open(f"{folder}/trusted_root.json") as file:
            root = json.load(file)
        for name, key in (("ca", "certificateAuthorities"), ("tsa", "timestampAuthorities")):
            with open(f"{folder}/{name}.pem", "w") as file:
                for certificate in root[key][0]["certChain"]["certificates"]:
                    der = base64.b64decode(certificate["rawBytes"])
                    file.write(ssl.DER_cert_to_PEM_cert(der))
        with open(f"{folder}/signature", "wb") as file:
            with open(own) as bundle:
                file.write(base64.b64decode(json.load(bundle)["messageSignature"]["signature"]))
        run("openssl", "ts", "-verify", "-in", f"{folder}/stamp.tsr", "-data", f"{folder}/signature",
            "-CAfile", f"{folder}/tsa.pem", "-untrusted", f"{folder}/tsa.pem")
        run("openssl", "verify", "-ignore_critical", "-CAfile", f"{folder}/ca.pem", f"{folder}/leaf.der")

        # And the other way round.
        foreign = f"{folder}/foreign.json"
        run(*python, "sign", "--identity-token", token, "--bundle", foreign, artifact)
        verify(foreign)

        # By what is trusted rather than by files.
        os.environ["MARTLET_TRUST_DIR"] = f"{folder}/trust"
        run(MARTLET, "trust", "import", f"{folder}/trust_config.json")
        os.environ["SIGSTORE_ID_TOKEN"] = token
        run(MARTLET, "sign", "--bundle", f"{folder}/ambient.json", artifact)
        verify(f"{folder}/ambient.json")
        run(MARTLET, "sign", "--offline", "--bundle", f"{folder}/offline.json", artifact, status=3)
        assert not os.path.exists(f"{folder}/offline.json"), "a bundle without services"
        del os.environ["MARTLET_TRUST_DIR"], os.environ["SIGSTORE_ID_TOKEN"]
    finally:
        server.kill()
        server.wait()


def main():
    both(1)
    both(2)
    # Answers that verifiers must notice: no bundle is written.
    for fault in ("foreignAuthority", "noPromise", "wrongCheckpoint", "otherEntry", "otherImprint"):
        folder = f"{WORK}/{fault}"
        server = serve(2, folder, fault)
        try:
            with open(f"{folder}/artifact", "w") as file:
                file.write("x")
            done = run(MARTLET, "sign", "--identity-token-file", f"{folder}/token", "--trusted-root",
                       f"{folder}/trusted_root.json", "--signing-config", f"{folder}/signing_config.json",
                       f"{folder}/artifact", status=1)
            assert not os.path.exists(f"{folder}/artifact.sigstore.json"), fault
        finally:
            server.kill()
            server.wait()
    print(f"martlet and sigstore-python accept each other's bundles: {checks} checks")


main()
