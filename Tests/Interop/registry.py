"""Foreign clients against the registry of `martlet serve`, and what happens to it when things go wrong.

    registry.py MARTLET WORK

skopeo, buildah and docker-registry are compared with it over loopback; then the server is killed in the middle of
uploads, its disk fills up, and clients stall. Nothing is timed: each check waits for an event.
"""
import gzip, hashlib, http.client, io, json, os, shutil, signal, socket, subprocess, sys, tarfile, threading

MARTLET, WORK = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
checks = failures = 0


def check(name, ok, detail=""):
    global checks, failures
    checks += 1
    if not ok:
        failures += 1
        print(f"registry: FAILED {name} {detail}", file=sys.stderr)


def run(*command, status=0, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, **options)
    if status is not None and done.returncode != status:
        raise SystemExit(f"registry: {' '.join(command)} gave {done.returncode}:\n{done.stdout}{done.stderr}")
    return done


class Server:
    """A `martlet serve` on a free port; `prefix` runs it somewhere else, such as on a small disk."""

    def __init__(self, data, *options, prefix=(), settings=None):
        os.makedirs(data, exist_ok=True)
        if settings:
            with open(f"{data}/serve.yaml", "w") as file:
                file.write(settings)
        self.data = data
        self.process = subprocess.Popen(
            [*prefix, MARTLET, "serve", "--data", data, "--listen", "127.0.0.1:0", "--only", "registry", *options],
            stdout=subprocess.PIPE, stderr=open(f"{data}.log", "ab"), text=True)
        line = self.process.stdout.readline()
        if not line.startswith("martlet serves at "):
            raise SystemExit(f"registry: the server did not start: {line}{open(data + '.log').read()}")
        self.url = line.split()[3]
        self.host = self.url.split("//")[1]
        # Nobody reads on; the pipe must not fill up.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def ask(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.host, timeout=60)
        connection.request(method, path, body=body, headers=headers or {}, encode_chunked=hasattr(body, "__next__"))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(60)


def layout(path, count=3, size=200_000):
    """An OCI layout with one image of `count` layers, and its manifest's digest."""
    os.makedirs(f"{path}/blobs/sha256")

    def blob(content, kind):
        digest = hashlib.sha256(content).hexdigest()
        with open(f"{path}/blobs/sha256/{digest}", "wb") as file:
            file.write(content)
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content)}

    layers, diffs = [], []
    for number in range(count):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            content = hashlib.shake_128(b"%d" % number).digest(size)
            info = tarfile.TarInfo(f"file{number}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        # Clients compress what is not, and change the manifest then.
        layers.append(blob(gzip.compress(out.getvalue(), mtime=0), "application/vnd.oci.image.layer.v1.tar+gzip"))
        diffs.append("sha256:" + hashlib.sha256(out.getvalue()).hexdigest())
    config = blob(json.dumps({
        "architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": diffs},
        "history": [{"created_by": f"layer {number}"} for number in range(count)],
    }).encode(), "application/vnd.oci.image.config.v1+json")
    manifest = blob(json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config,
        "layers": layers,
    }).encode(), "application/vnd.oci.image.manifest.v1+json")
    manifest["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
    with open(f"{path}/index.json", "w") as file:
        json.dump({"schemaVersion": 2, "manifests": [manifest]}, file)
    with open(f"{path}/oci-layout", "w") as file:
        file.write('{"imageLayoutVersion":"1.0.0"}')
    return manifest["digest"], layers


def inspect(reference, *options):
    return run("skopeo", "inspect", "--raw", *options, reference).stdout


PLAIN_SOURCE, PLAIN_TARGET = "--src-tls-verify=false", "--dest-tls-verify=false"
image, (digest, layers) = f"oci:{WORK}/image:latest", layout(f"{WORK}/image")
policy = f"{WORK}/policy.json"
with open(policy, "w") as file:
    json.dump({"default": [{"type": "insecureAcceptAnything"}]}, file)
skopeo = ["skopeo", "--policy", policy]


def foreign_clients():
    server = Server(f"{WORK}/plain")
    target = f"docker://{server.host}/team/app"
    run(*skopeo, "copy", PLAIN_TARGET, image, f"{target}:one")
    check("skopeo pushes", inspect(f"{target}:one", "--tls-verify=false") == inspect(image))
    run(*skopeo, "copy", PLAIN_SOURCE, f"{target}:one", f"oci:{WORK}/back:latest")
    check("skopeo pulls", inspect(f"oci:{WORK}/back:latest") == inspect(image))
    run(*skopeo, "copy", PLAIN_SOURCE, PLAIN_TARGET, f"{target}:one", f"docker://{server.host}/team/other:two")
    check("skopeo copies within", inspect(f"docker://{server.host}/team/other:two", "--tls-verify=false") == inspect(image))
    tags = json.loads(run("skopeo", "list-tags", "--tls-verify=false", target).stdout)
    check("skopeo lists tags", tags["Tags"] == ["one"], tags)
    check("skopeo reads the store", inspect(f"oci:{server.data}/registry/repositories/team/app/_oci:one") == inspect(image))
    run("skopeo", "delete", "--tls-verify=false", f"{target}:one")
    check("skopeo deletes", run("skopeo", "inspect", "--tls-verify=false", f"{target}:one", status=None).returncode != 0)

    if shutil.which("docker-registry"):
        with open(f"{WORK}/registry.yml", "w") as file:
            file.write(f"version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {WORK}/docker\nhttp:\n  addr: 127.0.0.1:0\n")
        other = subprocess.Popen(["docker-registry", "serve", f"{WORK}/registry.yml"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in other.stderr:
            if "listening on" in line:
                host = line.split("listening on ")[1].split('"')[0].split()[0]
                break
        threading.Thread(target=other.stderr.read, daemon=True).start()
        run(*skopeo, "copy", PLAIN_SOURCE, PLAIN_TARGET, f"docker://{server.host}/team/other:two", f"docker://{host}/team/app:one")
        run(*skopeo, "copy", PLAIN_SOURCE, PLAIN_TARGET, f"docker://{host}/team/app:one", f"docker://{server.host}/team/again:one")
        check("there and back by docker-registry", inspect(f"docker://{server.host}/team/again:one", "--tls-verify=false") == inspect(image))
        connection = http.client.HTTPConnection(host, timeout=60)
        for path in ["/v2/", f"/v2/team/app/blobs/{layers[0]['digest']}", "/v2/team/app/manifests/none",
                     f"/v2/team/app/manifests/{digest}", "/v2/no/where/tags/list"]:
            # Without it, docker-registry has no OCI manifests.
            connection.request("GET", path, headers={"Accept": "application/vnd.oci.image.manifest.v1+json"})
            theirs = connection.getresponse()
            theirs_body = theirs.read()
            status, headers, body = server.ask("GET", path.replace("team/app", "team/again"))
            same = ["content-type", "docker-content-digest"] if theirs.status == 200 and path != "/v2/" else []
            check(f"as docker-registry answers {path}", status == theirs.status
                  and all(headers.get(name) == theirs.headers.get(name) for name in same)
                  and (status != 200 or path == "/v2/" or body == theirs_body),
                  f"{status} {theirs.status} {headers} {dict(theirs.headers)}")
        connection.close()
        other.terminate()
        other.wait(60)
    else:
        print("registry: docker-registry is absent; its comparison is skipped", file=sys.stderr)

    if shutil.which("buildah"):
        state = ["buildah", "--storage-driver", "vfs", "--root", f"{WORK}/storage", "--runroot", f"{WORK}/storage-run"]
        probe = run(*state, "from", "--signature-policy", policy, "--tls-verify=false", f"{server.host}/team/other:two", status=None)
        if probe.returncode == 0:
            container = probe.stdout.strip()
            run(*state, "config", "--label", "martlet=yes", container)
            run(*state, "commit", "--signature-policy", policy, "--tls-verify=false", container, f"docker://{server.host}/team/built:one")
            label = json.loads(run("skopeo", "inspect", "--tls-verify=false", f"docker://{server.host}/team/built:one").stdout)["Labels"]
            check("buildah pulls, commits and pushes", label.get("martlet") == "yes", label)
        else:
            print(f"registry: buildah can't work here; skipped: {probe.stderr.strip()[-200:]}", file=sys.stderr)
    check("the server stops when it is told to", server.stop() == 0)


def tls_and_users():
    data = f"{WORK}/users"
    for name, more in [("alice", []), ("bob", ["--pull-only"])]:
        run(MARTLET, "serve", "user", name, "--data", data, "--password-file", "/dev/stdin", *more, input=f"{name}'s secret\n")
    server = Server(data, "--tls-self-made")
    certificates = f"{WORK}/certificates"
    os.makedirs(certificates)
    shutil.copy(f"{data}/tls-certificate.pem", f"{certificates}/ca.crt")
    target = f"docker://{server.host}/team/app:one"
    to = ["--dest-cert-dir", certificates]
    refused = run(*skopeo, "copy", *to, "--dest-no-creds", image, target, status=None)
    check("strangers can't push", refused.returncode != 0 and "uthorized" in refused.stderr + "nauthorized", refused.stderr)
    refused = run(*skopeo, "copy", *to, "--dest-creds", "bob:bob's secret", image, target, status=None)
    check("readers can't push", refused.returncode != 0, refused.stderr)
    refused = run(*skopeo, "copy", *to, "--dest-creds", "alice:wrong", image, target, status=None)
    check("wrong passwords can't push", refused.returncode != 0, refused.stderr)
    run(*skopeo, "copy", *to, "--dest-creds", "alice:alice's secret", image, target)
    run(*skopeo, "copy", "--src-cert-dir", certificates, "--src-creds", "bob:bob's secret", target, f"oci:{WORK}/bob:latest")
    check("readers read", inspect(f"oci:{WORK}/bob:latest") == inspect(image))
    status = run(MARTLET, "serve", "status", "--data", data, "--json")
    check("status over TLS", json.loads(status.stdout)["status"] == "ok", status.stdout)
    server.stop()
    check("status of a stopped server", run(MARTLET, "serve", "status", "--data", data, status=None).returncode == 3)


def killed():
    """kill -9 in the middle of uploads, many times: what was acknowledged stays, the rest goes on."""
    data = f"{WORK}/killed"
    content = hashlib.shake_128(b"killed").digest(24 << 20)
    name = "sha256:" + hashlib.sha256(content).hexdigest()
    server = Server(data)
    status, headers, _ = server.ask("POST", "/v2/team/app/blobs/uploads/")
    place, sent, resent = headers["location"], 0, 0
    for round in range(6):
        connection = socket.create_connection(server.host.split(":"))
        size = 4 << 20
        connection.sendall(f"PATCH {place} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\nContent-Range: {sent}-{sent + size - 1}\r\n\r\n".encode())
        # Half of it comes, and then the server is killed.
        connection.sendall(content[sent:sent + size // 2])
        # It has been read when the answer to another request, sent later, is there.
        server.ask("GET", "/healthz")
        server.stop(signal.SIGKILL)
        connection.close()
        server = Server(data)
        status, headers, _ = server.ask("GET", place)
        check("the upload is still there", status == 204)
        offset = int(headers["range"].split("-")[1]) + 1
        if offset == 1:
            offset = 0
        check("no more than was sent", sent <= offset <= sent + size // 2, f"{sent} {offset}")
        status, headers, _ = server.ask(
            "PATCH", place, content[offset:offset + (1 << 20)], {"Content-Range": f"{offset}-{offset + (1 << 20) - 1}"})
        check("the upload goes on", status == 202, status)
        sent = offset + (1 << 20)
        if sent + (8 << 20) > len(content):
            break
    status, _, body = server.ask("PUT", f"{place}?digest={name}", content[sent:])
    check("the upload ends", status == 201, body)
    check("the blob is whole", server.ask("GET", f"/v2/team/app/blobs/{name}")[2] == content)
    # Manifests and tags that were acknowledged stay.
    target = f"docker://{server.host}/team/app"
    run(*skopeo, "copy", PLAIN_TARGET, image, f"{target}:one")
    server.stop(signal.SIGKILL)
    server = Server(data)
    target = f"docker://{server.host}/team/app"
    check("what was pushed is there after a kill", inspect(f"{target}:one", "--tls-verify=false") == inspect(image))
    check("two servers are refused", run(
        MARTLET, "serve", "--data", data, "--listen", "127.0.0.1:0", status=None).returncode == 2)
    collected = json.loads(run(MARTLET, "serve", "gc", "--data", data, "--json").stdout)
    check("collection beside a server", collected["blobs"] == 0, collected)
    server.stop()


def broken_clients():
    server = Server(f"{WORK}/broken", settings="limits: {idleSeconds: 1, stallSeconds: 1}\n")
    address = server.host.split(":")
    status, headers, _ = server.ask("POST", "/v2/team/app/blobs/uploads/")
    place = headers["location"]
    # The client goes away in the middle of its content.
    connection = socket.create_connection(address)
    connection.sendall(f"PATCH {place} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".encode() + b"x" * 400)
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(4096):
        pass
    connection.close()
    digest = "sha256:" + hashlib.sha256(b"x" * 1000).hexdigest()
    for _ in range(1000):
        status, headers, _ = server.ask("GET", place)
        if headers.get("range") == "0-399":
            break
    check("what came of a broken upload stays", headers.get("range") == "0-399", headers)
    status, _, body = server.ask("PUT", f"{place}?digest={digest}", b"x" * 600)
    check("a broken upload goes on", status == 201, body)
    # Clients that stall, in each part of a request, are let go.
    for name, start in [
        ("nothing", b""), ("half a head", b"GET /v2/ HTTP/1.1\r\nHost:"),
        ("half a body", b"PUT /v2/a/manifests/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc"),
    ]:
        connection = socket.create_connection(address)
        connection.settimeout(60)
        connection.sendall(start)
        while connection.recv(4096):
            pass
        connection.close()
        check(f"a client that sends {name} is let go", True)
    # Content that goes on after a refusal is not read to its end.
    connection = socket.create_connection(address)
    connection.settimeout(60)
    connection.sendall(b"PUT /v2/A/manifests/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n")
    sent = 0
    try:
        while sent < 1 << 30:
            sent += connection.send(b"x" * 65536)
    except OSError:
        pass
    check("endless content is cut off", sent < 1 << 30, sent)
    connection.close()
    for head in [b"GET /v2/ HTTP/1.1\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n", b"\x00\xff\r\n\r\n", b"GET / HTTP/9\r\n\r\n"]:
        connection = socket.create_connection(address)
        connection.settimeout(60)
        try:
            connection.sendall(head)
            answer = b""
            while piece := connection.recv(4096):
                answer += piece
        except OSError:
            answer = b""
        check("a hostile head is refused", b" 200 " not in answer, answer[:100])
        connection.close()
    # Clients of HTTP/1.0 read to the end of the connection.
    for fields, version in [(b"GET /healthz HTTP/1.0\r\n\r\n", b"HTTP/1.0"),
                            (b"GET /healthz HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", b"HTTP/1.0"),
                            (b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Close\r\n\r\n", b"HTTP/1.1")]:
        connection = socket.create_connection(address)
        connection.settimeout(50)  # Below the time after which idle connections are closed anyway.
        connection.sendall(fields)
        answer = b""
        while piece := connection.recv(4096):
            answer += piece
        check("an answer ends with its connection", answer.startswith(version + b" 200 ") and answer.endswith(b"}"), answer)
        connection.close()
    check("it goes on", server.ask("GET", "/healthz")[0] == 200)
    server.stop()


def full_disk():
    """A disk of 6 MiB: refusals before anything is half-written, reads go on, and room makes it work again."""
    data = f"{WORK}/small"
    os.makedirs(data)
    if run("unshare", "-rm", "mount", "-t", "tmpfs", "none", data, status=None).returncode != 0:
        print("registry: no mount namespaces here; the full disk is skipped", file=sys.stderr)
        return
    server = Server(data, prefix=["unshare", "-rm", "sh", "-c", f'mount -t tmpfs -o size=6m none {data} && exec "$@"', "sh"])
    stored = []

    def put(number, size, known=True):
        content = hashlib.shake_128(b"full %d" % number).digest(size)
        name = "sha256:" + hashlib.sha256(content).hexdigest()
        if known:
            status, headers, _ = server.ask("POST", f"/v2/team/app/blobs/uploads/?digest={name}", content)
        else:
            # In pieces without a length, the server can't know before.
            status, headers, _ = server.ask("POST", "/v2/team/app/blobs/uploads/")
            if status == 202:
                place = headers["location"]
                status, headers, _ = server.ask("PATCH", place, iter([content[:100_000], content[100_000:]]), {"Transfer-Encoding": "chunked"})
                if status == 202:
                    status, headers, _ = server.ask("PUT", f"{place}?digest={name}")
                else:
                    server.ask("DELETE", place)
        if status == 201:
            stored.append((name, content))
        return status, headers

    statuses = [put(number, 1 << 20, known=number % 2 == 0)[0] for number in range(12)]
    check("some blobs fit", 201 in statuses, statuses)
    status, headers = put(100, 3 << 20)
    check("a full disk is 507", status == 507 and 507 in statuses and set(statuses) <= {201, 507}, statuses)
    check("and says when to try again", "retry-after" in headers, headers)
    for name, content in stored:
        check("blobs are read from a full disk", server.ask("GET", f"/v2/team/app/blobs/{name}")[2] == content)
    uploads = subprocess.run(
        ["nsenter", "-t", str(server.process.pid), "-U", "-m", "--preserve-credentials", "find", f"{data}/registry", "-type", "f"],
        capture_output=True, text=True)
    if uploads.returncode == 0:
        stray = [line for line in uploads.stdout.split() if "/uploads/" in line or ".martlet-tmp." in line]
        check("no stray files", not stray, stray)
    server.ask("DELETE", f"/v2/team/app/blobs/{stored[0][0]}")
    server.stop()


foreign_clients()
tls_and_users()
killed()
broken_clients()
full_disk()
print(f"registry: {checks} checks, {failures} failed")
sys.exit(1 if failures else 0)
