"""Repositories that python-tuf writes, and the attacks on them, against `martlet trust`.

    updates.py MARTLET WORK

Each check is one repository in a state, and what martlet must say of it: taken, refused for tampering or expiry (exit
status 1), or unreachable (3). The wording is checked where it tells the two kinds of refusal apart.
"""
import datetime, hashlib, json, os, shutil, subprocess, sys, threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    DelegatedRole, Delegations, Metadata, MetaFile, Root, Snapshot, SuccinctRoles, TargetFile, Targets, Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

MARTLET, WORK = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
NOW = "2030-06-01T00:00:00Z"
LATER = datetime.datetime(2030, 12, 1, tzinfo=datetime.timezone.utc)
PAST = datetime.datetime(2030, 5, 1, tzinfo=datetime.timezone.utc)
TRUSTED_ROOT = json.dumps({
    "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "tlogs": [], "ctlogs": [], "certificateAuthorities": [], "timestampAuthorities": [],
}).encode()


class Repository:
    """A TUF repository on disk, in the layout of a mirror: metadata at the top, targets below it."""

    def __init__(self, path, consistent=True, signer=CryptoSigner.generate_ecdsa):
        self.path, self.served = path, {}
        os.makedirs(path + "/targets")
        self.signers = {
            "root": [CryptoSigner.generate_ed25519(), signer(), CryptoSigner.generate_rsa()],
            "timestamp": [signer()], "snapshot": [signer()], "targets": [CryptoSigner.generate_rsa()],
        }
        self.delegated = {}
        root = Root(expires=LATER, consistent_snapshot=consistent)
        self.root, self.timestamp = Metadata(root), Metadata(Timestamp(expires=LATER))
        self.snapshot, self.targets = Metadata(Snapshot(expires=LATER)), Metadata(Targets(expires=LATER))
        self.roles = {}
        self.use_signers()
        self.add(self.targets, "trusted_root.json", TRUSTED_ROOT)

    def use_signers(self):
        root = self.root.signed
        for name in self.signers:
            for keyid in list(root.roles[name].keyids):
                root.revoke_key(keyid, name)
            for signer in self.signers[name]:
                root.add_key(signer.public_key, name)
            root.roles[name].threshold = 2 if name == "root" else 1

    def add(self, role, path, data):
        info = TargetFile.from_data(path, data, ["sha256", "sha512"])
        role.signed.targets[path] = info
        for name in info.get_prefixed_paths() if self.root.signed.consistent_snapshot else [path]:
            file = f"{self.path}/targets/{name}"
            os.makedirs(os.path.dirname(file), exist_ok=True)
            with open(file, "wb") as out:
                out.write(data)

    def delegate(self, name, paths=None, prefixes=None, terminating=False, delegator=None):
        signer = CryptoSigner.generate_ecdsa()
        role = DelegatedRole(name, [], 1, terminating, paths=paths, path_hash_prefixes=prefixes)
        above = (delegator or self.targets).signed
        if above.delegations is None:
            above.delegations = Delegations({}, {})
        above.delegations.roles[name] = role
        above.add_key(signer.public_key, name)
        self.roles[name] = Metadata(Targets(expires=LATER))
        self.delegated[name] = [signer]
        return self.roles[name]

    def write(self, name, metadata, signers):
        metadata.signatures.clear()
        for signer in signers:
            metadata.sign(signer, append=True)
        data = metadata.to_bytes(JSONSerializer(compact=False))
        with open(f"{self.path}/{name}", "wb") as out:
            out.write(data)
        return data

    def publish_root(self, more=()):
        self.write(f"{self.root.signed.version}.root.json", self.root, [*self.signers["root"], *more])

    def publish(self):
        prefix = lambda m: f"{m.signed.version}." if self.root.signed.consistent_snapshot else ""
        for name, role in {"targets": self.targets, **self.roles}.items():
            data = self.write(f"{prefix(role)}{name}.json", role, self.delegated.get(name, self.signers["targets"]))
            self.snapshot.signed.meta[f"{name}.json"] = MetaFile.from_data(role.signed.version, data, ["sha256"])
        data = self.write(f"{prefix(self.snapshot)}snapshot.json", self.snapshot, self.signers["snapshot"])
        self.timestamp.signed.snapshot_meta = MetaFile.from_data(self.snapshot.signed.version, data, ["sha256"])
        self.publish_timestamp()

    def publish_timestamp(self):
        self.write("timestamp.json", self.timestamp, self.signers["timestamp"])

    def bump(self):
        for metadata in (self.timestamp, self.snapshot, self.targets):
            metadata.signed.version += 1


count = 0


def martlet(*words):
    return subprocess.run([MARTLET, "trust", *words], capture_output=True, text=True)


class Client:
    """One trust folder that follows one repository."""

    def __init__(self, repository, *options, mirror=None):
        global count
        count += 1
        self.dir = f"{WORK}/trust-{count}"
        anchor = f"{repository.path}/1.root.json"
        run = martlet("init", "--root", anchor, "--mirror", mirror or repository.path, "--trust-dir", self.dir,
                      "--offline", *options)
        assert run.returncode == 0, run.stderr

    def update(self, at=NOW):
        return martlet("update", "--trust-dir", self.dir, "--at", at)


checks = 0


def expect(what, run, status, *words):
    global checks
    checks += 1
    if run.returncode != status or not all(word in run.stderr + run.stdout for word in words):
        sys.exit(f"updates: {what}: expected {status} {words}, got {run.returncode}:\n{run.stdout}{run.stderr}")


def fresh(name, **options):
    repository = Repository(f"{WORK}/{name}", **options)
    repository.publish_root()
    return repository


def main():
    # Updates, by folder and by address, with both ways to name files.
    for consistent in (True, False):
        r = fresh(f"plain-{consistent}", consistent=consistent)
        r.publish()
        c = Client(r)
        expect("first update", c.update(), 0, "root 1", "targets 1")
        expect("second update", c.update(), 0)
        expect("show", martlet("show", "--trust-dir", c.dir, "--at", NOW), 0, "good until 2030-12-01")
        expect("export", martlet("export", "--trust-dir", c.dir, "--at", NOW), 0, "trustedroot")
        quiet = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *a: None})
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(quiet, directory=r.path))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        expect("by address", Client(r, mirror=address).update(), 0, "root 1")
        expect("offline", martlet("update", "--offline", "--trust-dir", Client(r, mirror=address).dir), 3, "forbidden")
        server.shutdown()
        server.server_close()
        expect("nobody there", Client(r, mirror=address).update(), 3)

    # Expiry, and that it is called so.
    for role in ("root", "timestamp", "snapshot", "targets"):
        r = fresh(f"expired-{role}")
        getattr(r, role).signed.expires = PAST
        r.publish_root()
        r.publish()
        expect(f"expired {role}", Client(r).update(), 1, role, "2030-05-01")
        expect(f"{role} before", Client(r).update("2030-04-30T23:59:59Z"), 0)

    # Key rotation, with and without the old keys' word; revocation.
    r = fresh("rotation")
    r.publish()
    c = Client(r)
    expect("before rotation", c.update(), 0)
    old = r.signers["root"]
    r.signers["root"] = [CryptoSigner.generate_ecdsa(), CryptoSigner.generate_ed25519()]
    r.use_signers()
    r.root.signed.version = 2
    r.publish_root()
    expect("rotation without the old keys", c.update(), 1, "0 of the 3 keys")
    r.publish_root(old[:1])
    expect("rotation with one old key", c.update(), 1, "1 of the 3 keys")
    r.publish_root(old[:2])
    expect("rotation", c.update(), 0, "root 2")
    revoked = r.signers["timestamp"]
    r.signers["timestamp"] = [CryptoSigner.generate_ecdsa()]
    r.use_signers()
    r.root.signed.version = 3
    r.publish_root()
    r.signers["timestamp"], renewed = revoked, r.signers["timestamp"]
    r.bump()
    r.publish()
    expect("revoked timestamp key", c.update(), 1, "timestamp", "signed")
    r.signers["timestamp"] = renewed
    r.publish()
    expect("renewed timestamp key", c.update(), 0, "root 3")

    # A long chain from an old anchor.
    r = fresh("chain")
    for version in range(2, 21):
        r.root.signed.version = version
        r.publish_root()
    r.publish()
    expect("twenty roots", Client(r).update(), 0, "root 20")
    shutil.copy(f"{r.path}/3.root.json", f"{r.path}/4.root.json")
    expect("a root of another version", Client(r).update(), 1, "root")

    # Rollback.
    for role in ("timestamp", "snapshot", "targets"):
        r = fresh(f"rollback-{role}")
        r.bump()
        r.publish()
        c = Client(r)
        expect("before rollback", c.update(), 0)
        r.bump()
        getattr(r, role).signed.version = 1
        r.publish()
        expect(f"rollback of {role}", c.update(), 1, "seen before")
    r = fresh("vanished")
    r.delegate("team", ["team/*"])
    r.publish()
    c = Client(r)
    expect("before vanishing", c.update(), 0)
    del r.roles["team"], r.snapshot.signed.meta["team.json"]
    r.bump()
    r.publish()
    expect("a role that vanished", c.update(), 1, "gone")

    # Freeze: an old state that is still signed, at a later moment.
    r = fresh("freeze")
    r.timestamp.signed.expires = datetime.datetime(2030, 6, 2, tzinfo=datetime.timezone.utc)
    r.publish()
    c = Client(r)
    expect("before freezing", c.update(), 0)
    expect("frozen", c.update("2030-06-03T00:00:00Z"), 1, "timestamp", "good until 2030-06-02")

    # Fast-forward, and recovery by new keys.
    r = fresh("forward")
    r.timestamp.signed.version = r.snapshot.signed.version = 2**31
    r.publish()
    c = Client(r)
    expect("fast-forward", c.update(), 0)
    r.timestamp.signed.version = r.snapshot.signed.version = 3
    r.publish()
    expect("after fast-forward", c.update(), 1, "seen before")
    for role in ("timestamp", "snapshot"):
        r.signers[role] = [CryptoSigner.generate_ecdsa()]
    r.use_signers()
    r.root.signed.version = 2
    r.publish_root()
    r.publish()
    expect("recovery", c.update(), 0, "snapshot 3")

    # Mix and match; wrong digest, length, content; endless data.
    def change(what, name, edit, *words):
        r = fresh(what.replace(" ", "-"))
        r.publish()
        old = {f: open(f"{r.path}/{f}", "rb").read() for f in ("1.targets.json", "1.snapshot.json")}
        r.add(r.targets, "more", b"more")
        r.bump()
        r.publish()
        file = f"{r.path}/{name}"
        data = edit(open(file, "rb").read(), old)
        with open(file, "wb") as out:
            out.write(data)
        expect(what, Client(r).update(), 1, *words)

    change("mixed targets", "2.targets.json", lambda d, o: o["1.targets.json"], "announced")
    change("mixed snapshot", "2.snapshot.json", lambda d, o: o["1.snapshot.json"], "snapshot")
    change("longer snapshot", "2.snapshot.json", lambda d, o: d + b" ")
    change("endless timestamp", "timestamp.json", lambda d, o: b" " * 100_000)
    digest = hashlib.sha256(TRUSTED_ROOT).hexdigest()
    change("changed target", f"targets/{digest}.trusted_root.json", lambda d, o: d.replace(b"[", b"{", 1), "digest")
    change("longer target", f"targets/{digest}.trusted_root.json", lambda d, o: d + b" ")
    change("changed byte", "2.targets.json", lambda d, o: d.replace(b"more", b"mode"), "digest")
    change("unsigned timestamp", "timestamp.json", lambda d, o: d.replace(b'"sig": "', b'"sig": "00'), "signed")
    change("no signature", "timestamp.json",
           lambda d, o: json.dumps({**json.loads(d), "signatures": []}).encode(), "0 of the 1 keys")
    change("empty signature", "timestamp.json",
           lambda d, o: json.dumps({**json.loads(d), "signatures": [
               {**json.loads(d)["signatures"][0], "sig": ""}]}).encode(), "0 of the 1 keys")
    change("no JSON", "timestamp.json", lambda d, o: b"<html>", "JSON")

    # Delegations.
    r = fresh("delegation")
    npm = r.delegate("npm", ["registry.npmjs.org/*"], terminating=True)
    r.add(npm, "registry.npmjs.org/keys.json", b"npm keys")
    outside = r.delegate("outside", ["elsewhere/*"])
    r.add(outside, "planted.json", b"planted")
    prefix = hashlib.sha256(b"binned/file").hexdigest()[:2]
    binned = r.delegate("binned", prefixes=[prefix])
    r.add(binned, "binned/file", b"binned")
    inner = r.delegate("inner", ["deep/*"], delegator=r.delegate("outer", ["deep/*", "deep/*/*"]))
    r.add(inner, "deep/file", b"deep")
    r.add(inner, "deep/er/file", b"deeper")
    r.publish()
    names = ("registry.npmjs.org/keys.json", "binned/file", "deep/file", "planted.json", "deep/er/file")
    c = Client(r, *(word for name in names for word in ("--target", name)))
    expect("delegations", c.update(), 0, "npm 1", "inner 1")
    for name, content in zip(names, ("npm keys", "binned", "deep", None, None)):
        run = martlet("export", "--trust-dir", c.dir, "--at", NOW, "--target", name)
        expect(name, run, 2 if content is None else 0, content or "does not vouch")
    r.delegated["npm"] = [CryptoSigner.generate_ecdsa()]
    npm.signed.version += 1
    r.bump()
    r.publish()
    expect("a delegated role that others sign", c.update(), 1, "npm")

    r = fresh("succinct")
    signer = CryptoSigner.generate_ecdsa()
    bins = SuccinctRoles([], 1, 3, "bin")
    r.targets.signed.delegations = Delegations({}, None, bins)
    r.targets.signed.add_key(signer.public_key)
    for name in bins.get_roles():
        r.roles[name], r.delegated[name] = Metadata(Targets(expires=LATER)), [signer]
    r.add(r.roles[bins.get_role_for_target("hashed/file")], "hashed/file", b"hashed")
    r.publish()
    c = Client(r, "--target", "hashed/file")
    expect("succinct roles", c.update(), 0)
    expect("their target", martlet("export", "--trust-dir", c.dir, "--at", NOW, "--target", "hashed/file"), 0, "hashed")

    # A damaged folder heals.
    r = fresh("healing")
    r.root.signed.version = 2
    r.publish_root()
    r.publish()
    c = Client(r)
    expect("before damage", c.update(), 0, "root 2")
    for name in ("2.root.json", "timestamp.json", "snapshot.json", "targets.json", "targets/trusted_root.json"):
        with open(f"{c.dir}/tuf/{name}", "r+b") as file:
            file.truncate(50)
        expect(f"healing {name}", c.update(), 0, "root 2")
        expect(f"{name} at hand", martlet("show", "--trust-dir", c.dir, "--at", NOW), 0)

    # Another repository takes the place of the first only when it has answered.
    anchor = f"{r.path}/1.root.json"
    again = ["init", "--force", "--root", anchor, "--trust-dir", c.dir, "--at", NOW, "--mirror"]
    expect("a mirror that is not there", martlet(*again, f"{WORK}/nowhere"), 2)
    expect("what was trusted before", martlet("show", "--trust-dir", c.dir, "--at", NOW), 0, "root 2")
    expect("a mirror that is there", martlet(*again, r.path), 0, "root 2")
    expect("an update after it", c.update(), 0, "root 2")
    assert not os.path.exists(f"{c.dir}/next"), "what was set up beside is gone"

    # Many at once.
    running = [subprocess.Popen([MARTLET, "trust", "update", "--trust-dir", c.dir, "--at", NOW],
                                stdout=subprocess.DEVNULL) for _ in range(8)]
    assert all(process.wait() == 0 for process in running), "updates at once"
    print(f"martlet follows repositories of python-tuf: {checks} checks")


main()
