"""Remote caches on foreign servers: a directory, nginx with WebDAV, moto's S3, docker-registry. Leeway's own objects too.

    caches.py MARTLET WORK PYTHON

A second machine, in a network namespace with an address of its own where this one allows that, gets everything from the
cache; then the network is cut at each request in turn. Nothing is timed: each check waits for an event. PYTHON has moto.
"""
import hashlib, http.client, http.server, io, json, os, pathlib, shutil, subprocess, sys, tarfile, threading, urllib.request

from suite import Suite, free_port

MARTLET, WORK, PYTHON = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve(), os.path.abspath(sys.argv[3])
suite = Suite("caches")
check, run = suite.check, suite.run

WORKSPACE = {
    "WORKSPACE.yaml": "defaultTarget: app:app\n",
    "lib/BUILD.yaml": """packages:
- {name: base, type: generic, srcs: ["*.txt"], config: {commands: [[sh, -c, "head -c 3000000 /dev/zero | tr '\\\\0' b > large; ln -s large link"]]}}
- {name: lib, type: generic, deps: [":base"], config: {commands: [[sh, -c, "wc -c < lib--base/large > size; chmod 755 size"]]}}
""",
    "lib/words.txt": "words\n",
    "app/BUILD.yaml": """packages:
- {name: app, type: generic, srcs: ["*.txt"], deps: ["lib:lib"], config: {commands: [[sh, -c, "cat lib--lib/size *.txt > out"]]}}
- {name: other, type: generic, deps: ["lib:lib"], config: {commands: [[sh, -c, "cat lib--lib/size > other"]]}}
""",
    "app/app.txt": "app\n",
}
PACKAGES = ["app:app", "lib:base", "lib:lib"]


class Network:
    """A network namespace with an address of its own, where this machine lets us make one; else this machine's."""

    def __init__(self):
        self.name = f"mcache{os.getpid()}"
        self.prefix, self.address = [], "127.0.0.1"
        net = f"10.{64 + os.getpid() % 64}.{os.getpid() // 64 % 250}"
        steps = [
            f"ip netns add {self.name}",
            f"ip link add {self.name[-8:]}a type veth peer name {self.name[-8:]}b netns {self.name}",
            f"ip addr add {net}.1/24 dev {self.name[-8:]}a", f"ip link set {self.name[-8:]}a up",
            f"ip -n {self.name} addr add {net}.2/24 dev {self.name[-8:]}b",
            f"ip -n {self.name} link set {self.name[-8:]}b up", f"ip -n {self.name} link set lo up",
        ]
        try:
            if all(subprocess.run(step.split(), capture_output=True).returncode == 0 for step in steps):
                self.prefix, self.address = ["ip", "netns", "exec", self.name], f"{net}.1"
            else:
                self.close()
        except FileNotFoundError:
            pass

    def close(self):
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True)


class Machine:
    """A clone of the workspace with a home and a cache of its own."""
    count = 0

    def __init__(self, network=None, environment=None):
        Machine.count += 1
        self.root = WORK / f"machine{Machine.count}"
        self.root.mkdir()
        run("git", "clone", "-q", str(WORK / "origin"), str(self.root / "ws"))
        self.prefix = network.prefix if network else []
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.root), "MARTLET_CACHE_DIR": str(self.root / "cache"),
            "MARTLET_KEY_PASSWORD": "secret", **(environment or {})}

    def martlet(self, *arguments, status=0):
        return run(*self.prefix, MARTLET, *arguments, status=status, cwd=self.root / "ws", env=self.environment)

    def build(self, *arguments):
        """What became of each package, and what was warned of; the artifact is saved, for which every byte is read."""
        done = self.martlet("build", "app:app", "--json", "--save", "../app.tar", "--no-embed", *arguments)
        results = {package["name"]: package["result"] for package in json.loads(done.stdout)["packages"]}
        return results, done.stderr

    @property
    def digest(self):
        """That of the saved artifact."""
        return hashlib.sha256((self.root / "app.tar").read_bytes()).hexdigest()

    def remove(self):
        subprocess.run(["chmod", "-R", "u+w", str(self.root)])
        shutil.rmtree(self.root)


SIGN = ["--sign", "--key", str(WORK / "ci.key")]
POLICY = ["--cache-policy", str(WORK / "ci.pub")]


def check_cache(name, address, network, environment=None, remote=None):
    """Fills a cache, and gets everything from it on another machine. `remote` is its address as seen from there."""
    first = Machine(environment=environment)
    results, said = first.build("--remote-cache", address, *POLICY, *SIGN)
    check(f"{name}: the first machine builds", results == {package: "built" for package in PACKAGES}, results)
    check(f"{name}: nothing is wrong with the cache", "remote cache" not in said, said)
    digest = first.digest

    place = ["--remote-cache", remote or address, *POLICY]
    second = Machine(network, environment)
    results, said = second.build(*place)
    check(f"{name}: the second machine builds nothing", set(results.values()) == {"cached"}, (results, said))
    check(f"{name}: the artifact is the same", second.digest == digest)
    results, _ = second.build("-c", "local")
    check(f"{name}: it is whole without the remote cache", set(results.values()) == {"cached"}, results)
    bundle = second.martlet("provenance", "export", "--decode", "app:app").stdout
    check(f"{name}: the provenance of all came along", all(f'"{package}"' in bundle for package in PACKAGES))

    # What is changed is built; what it needs comes, what that was made from stays.
    third = Machine(network, environment)
    (third.root / "ws/app/app.txt").write_text("changed\n")
    results, said = third.build(*place)
    check(f"{name}: a change builds one package", results == {"app:app": "built", "lib:lib": "cached"}, (results, said))
    for machine in [first, second, third]:
        machine.remove()
    return digest


class Cutting:
    """A web server in front of another that is gone from one request on."""

    def __init__(self, backend):
        self.left = -1
        self.seen = 0
        cutting = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self):
                cutting.seen += 1
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if cutting.left == 0:
                    self.close_connection = True
                    return
                cutting.left -= 1
                connection = http.client.HTTPConnection(backend, timeout=60)
                connection.request(self.command, self.path, body, dict(self.headers))
                answer = connection.getresponse()
                content = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("connection", "content-length", "transfer-encoding", "date", "server"):
                        self.send_header(name, value)
                self.send_header("Content-Length", answer.getheader("Content-Length", str(len(content))))
                self.end_headers()
                # The last answer before the cut breaks off in its middle.
                if cutting.left == 0 and self.command == "GET" and len(content) > 1:
                    self.wfile.write(content[: len(content) // 2])
                    self.close_connection = True
                else:
                    self.wfile.write(content)
                connection.close()

            do_GET = do_HEAD = do_PUT = do_MKCOL = forward

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def check_cuts(backend, network, digest):
    cutting = Cutting(backend)
    address = f"http://{network.address}:{cutting.port}/cache"
    whole = Machine(network)
    whole.build("--remote-cache", address, *POLICY)
    count = cutting.seen
    check("cut: there is something to cut", count >= 4, count)
    check("cut: what is not cut works", whole.digest == digest)
    whole.remove()
    for cut in range(count):
        machine = Machine(network)
        cutting.left = cut
        results, said = machine.build("--remote-cache", address, *POLICY)
        check(f"cut at request {cut}: it is said", "remote cache" in said, said)
        check(f"cut at request {cut}: the artifact is right", machine.digest == digest)
        machine.remove()
    return count


def nginx(network):
    port = free_port()
    root = WORK / "nginx"
    (root / "data/cache").mkdir(parents=True)
    (root / "nginx.conf").write_text(f"""
        {"user root;" if os.geteuid() == 0 else ""}
        worker_processes 1; daemon off; pid {root}/pid; error_log {root}/error.log; events {{}}
        http {{ access_log off; client_max_body_size 0; client_body_temp_path {root}/body;
                proxy_temp_path {root}/p; fastcgi_temp_path {root}/f; uwsgi_temp_path {root}/u; scgi_temp_path {root}/s;
                server {{ listen 0.0.0.0:{port}; root {root}/data; location / {{ dav_methods PUT DELETE MKCOL; }} }} }}
        """)
    process = subprocess.Popen(["nginx", "-p", str(root), "-c", str(root / "nginx.conf")], stderr=subprocess.DEVNULL)
    suite.wait_for(f"http://127.0.0.1:{port}/")
    return process, port


def docker_registry():
    port = free_port()
    config = WORK / "registry.yml"
    config.write_text(f"version: 0.1\nlog: {{level: error}}\n"
                      f"storage: {{filesystem: {{rootdirectory: {WORK / 'registry'}}}}}\n"
                      f"http: {{addr: '0.0.0.0:{port}', secret: test}}\n")
    process = subprocess.Popen(
        ["docker-registry", "serve", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    suite.wait_for(f"http://127.0.0.1:{port}/v2/")
    return process, port


def bucket():
    port = free_port()
    process = subprocess.Popen(
        [PYTHON, "-m", "moto.server", "-H", "0.0.0.0", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    suite.wait_for(f"http://127.0.0.1:{port}/moto-api/")
    urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/results", method="PUT")).close()
    return process, port


class Leeway:
    """Objects as Leeway puts them into its cache, each with the attestation of its sign-cache, and who reads them."""
    REPOSITORY = "https://github.com/acme/app"

    def __init__(self):
        self.root = WORK / "leeway"
        self.root.mkdir()
        self.policy = self.root / "policy.yaml"
        self.policy.write_text(
            f"policy: v1\nname: leeway\nsigners: {{ci: {{keyFile: {WORK}/ci.pub}}}}\n"
            f"sources: {{repositories: [{self.REPOSITORY}]}}\n")
        machine = Machine()
        listed = machine.martlet("collect").stdout
        self.versions = dict(line.split("\t") for line in listed.splitlines())
        machine.remove()

    @staticmethod
    def archive(path, *members):
        """Packs (name, content) as GNU tar would, whatever the names are."""
        with tarfile.open(path, "w:gz", format=tarfile.GNU_FORMAT) as tar:
            for name, content in members:
                entry = tarfile.TarInfo(name)
                if content is None:
                    entry.type = tarfile.DIRTYPE
                elif isinstance(content, str):
                    entry.type, entry.linkname = tarfile.SYMTYPE, content
                else:
                    entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content) if isinstance(content, bytes) else None)

    def objects(self, name, members=None, package="lib:lib", repository=REPOSITORY, key="ci"):
        """A folder with the archive of a package and its attestation."""
        folder = self.root / name
        folder.mkdir()
        archive = folder / f"{self.versions[package]}.tar.gz"
        self.archive(archive, *(members or [("./", None), ("./size", b"from Leeway\n")]))
        predicate = folder / "predicate"
        predicate.write_text(json.dumps({
            "builder": {"id": "https://github.com/acme/app/.github/workflows/build.yml@refs/heads/main"},
            "buildType": "https://leeway.build/cache-signing/v1",
            "invocation": {"configSource": {"uri": repository}, "parameters": {"workflow": "build.yml"}},
            "metadata": {"buildInvocationID": "1", "reproducible": False}}))
        run(MARTLET, "attest", archive, "--predicate", predicate, "--type", "slsaprovenance02", "--key",
            WORK / f"{key}.key", "--bundle", f"{archive}.att", env={**os.environ, "MARTLET_KEY_PASSWORD": "secret"})
        predicate.unlink()
        return folder

    def build(self, place, network=None, environment=None, *arguments):
        machine = Machine(network, environment)
        results, said = machine.build("--leeway-cache", str(place), "--leeway-policy", str(self.policy), *arguments)
        with tarfile.open(machine.root / "app.tar") as tar:
            out = tar.extractfile("./out").read()
        return machine, results, said, b"from Leeway" in out


def check_leeway(web, web_address, s3_put, s3_address, network, keys):
    leeway = Leeway()
    good = leeway.objects("good")
    used = {"app:app": "built", "lib:lib": "cached"}
    own = {package: "built" for package in PACKAGES}
    shutil.copytree(good, web)
    for path in good.iterdir():
        s3_put(path.name, path.read_bytes())
    for name, place, where, environment in [
            ("directory", good, None, None), ("nginx", web_address, network, None), ("s3", s3_address, network, keys)]:
        machine, results, said, is_leeway = leeway.build(place, where, environment)
        check(f"leeway {name}: its object is used", results == used and is_leeway, (results, said))
        check(f"leeway {name}: nothing is wrong", "Leeway" not in said, said)
        results, _ = machine.build("--leeway-cache", str(place), "--leeway-policy", str(leeway.policy))
        check(f"leeway {name}: nothing is built again", set(results.values()) == {"cached"}, results)
        failed = machine.martlet("provenance", "assert", "--built-with-martlet", "--sandboxed", "app:app", status=1).stdout
        check(f"leeway {name}: it does not pass for martlet's",
              "lib:lib failed built-with-martlet" in failed and "lib:lib failed sandboxed" in failed
              and "app:app failed" not in failed, failed)
        exported = machine.martlet("provenance", "export", "--decode", "app:app").stdout
        digest = hashlib.sha256(next(good.glob("*.tar.gz")).read_bytes()).hexdigest()
        check(f"leeway {name}: the archive is named", f"sha256:{digest}" in exported, exported)
        results, said = machine.build()
        check(f"leeway {name}: without it everything is built", results == own, (results, said))
        machine.remove()

    def broken(name, change=lambda archive, attestation: None, **options):
        folder = leeway.objects(name, **options)
        archive = next(folder.glob("*.tar.gz"))
        change(archive, pathlib.Path(f"{archive}.att"))
        return folder

    def renamed(archive, attestation):
        for path in archive, attestation:
            path.rename(path.with_name(path.name.replace(leeway.versions["lib:base"], leeway.versions["lib:lib"])))

    huge = [("./size", bytes(1 << 20))] * 2
    refused = [
        ("unsigned", "nobody vouches for", broken("unsigned", lambda _, attestation: attestation.unlink())),
        ("another signer", "signature of its attestation", broken("signer", key="other")),
        ("another repository", "acme/app-fork", broken("fork", repository="https://github.com/acme/app-fork")),
        ("another digest", "damaged or replaced",
         broken("digest", lambda archive, _: leeway.archive(archive, ("./size", b"evil\n")))),
        ("another package", "is about " + leeway.versions["lib:base"], broken("package", renamed, package="lib:base")),
        ("truncated", "damaged or replaced",
         broken("truncated", lambda archive, _: os.truncate(archive, archive.stat().st_size - 10))),
        ("truncated attestation", "no Sigstore bundle",
         broken("attestation", lambda _, attestation: os.truncate(attestation, 100))),
        ("an absolute path", "is absolute", broken("absolute", members=[("/etc/martlet", b"x")])),
        ("a path that leads out", "leads out of", broken("outside", members=[("./a/../../b", b"x")])),
        ("a path through a link", "below something", broken("link", members=[("./a", "/tmp"), ("./a/b", b"x")])),
        ("a name twice", "twice", broken("twice", members=huge)),
    ]
    for name, reason, place in refused:
        machine, results, said, is_leeway = leeway.build(place)
        check(f"leeway, {name}: it is built", results == own and not is_leeway, (results, said))
        check(f"leeway, {name}: it is said why", reason in said, said)
        machine.remove()
    check("leeway: nothing is written there", sorted(path.name for path in good.iterdir()) == sorted(
        leeway.versions["lib:lib"] + end for end in [".tar.gz", ".tar.gz.att"]))


def main():
    origin = WORK / "origin"
    for path, text in WORKSPACE.items():
        (origin / path).parent.mkdir(parents=True, exist_ok=True)
        (origin / path).write_text(text)
    git = ["git", "-C", str(origin), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    run("git", "init", "-q", "-b", "main", str(origin))
    run(*git, "add", "-A")
    run(*git, "commit", "-qm", "first")
    for name in ["ci", "other"]:
        run(MARTLET, "key", "generate", "--output", str(WORK / name),
            env={**os.environ, "MARTLET_KEY_PASSWORD": "secret"})

    network = Network()
    processes = []
    try:
        digest = check_cache("directory", str(WORK / "share"), network)

        process, port = nginx(network)
        web = port
        processes.append(process)
        check("nginx", check_cache("nginx", f"http://127.0.0.1:{port}/cache", network,
                                   remote=f"http://{network.address}:{port}/cache") == digest)
        cuts = check_cuts(f"127.0.0.1:{port}", network, digest)

        process, port = bucket()
        processes.append(process)
        keys = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-central-1"}
        address = "s3://results/team?endpoint=http://{}:" + str(port)
        check("s3", check_cache("s3", address.format("127.0.0.1"), network, keys,
                                address.format(network.address)) == digest)

        def put(name, content):
            urllib.request.urlopen(urllib.request.Request(
                f"http://127.0.0.1:{port}/results/{name}", data=content, method="PUT",
                headers={"Content-Type": "application/octet-stream"}), timeout=60).close()

        check_leeway(WORK / "nginx/data/leeway", f"http://{network.address}:{web}/leeway", put,
                     f"s3://results?endpoint=http://{network.address}:{port}", network, keys)

        process, port = docker_registry()
        processes.append(process)
        check("registry", check_cache("registry", f"oci://127.0.0.1:{port}/team/cache", network,
                                      remote=f"oci+http://{network.address}:{port}/team/cache") == digest)
    finally:
        for process in processes:
            process.terminate()
            process.wait()
        if network.prefix:
            network.close()
    where = "in a network namespace" if network.prefix else "with another home"
    print(f"remote caches: {suite.passed} checks with nginx, moto and docker-registry; the second machine {where}, {cuts} cuts")


main()
