"""Remote caches on foreign servers: a directory, nginx with WebDAV, moto's S3, docker-registry.

    caches.py MARTLET WORK PYTHON

A second machine, in a network namespace with an address of its own where this one allows that, gets everything from the
cache; then the network is cut at each request in turn. Nothing is timed: each check waits for an event. PYTHON has moto.
"""
import hashlib, http.client, http.server, json, os, pathlib, shutil, subprocess, sys, threading, urllib.request

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
