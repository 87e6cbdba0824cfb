"""Takes 1,000 packages from a remote cache on this machine, beside Bazel with the same server."""

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

import corpus
import pairs
from rows import ROWS, against

COUNT = 1000


class Nginx:
    """A web server that takes PUT, on a port that nobody chose, with its data in the scratch directory."""

    def __init__(self, scratch):
        self.root = os.path.join(scratch, "nginx")
        shutil.rmtree(self.root, ignore_errors=True)
        os.makedirs(os.path.join(self.root, "data"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        corpus.write(os.path.join(self.root, "nginx.conf"), f"""
            {"user root;" if os.geteuid() == 0 else ""}
            worker_processes 2; daemon off; pid {self.root}/pid; error_log {self.root}/error.log;
            events {{ worker_connections 1024; }}
            http {{ access_log off; client_max_body_size 0; client_body_temp_path {self.root}/body;
                    proxy_temp_path {self.root}/p; fastcgi_temp_path {self.root}/f; uwsgi_temp_path {self.root}/u;
                    scgi_temp_path {self.root}/s; keepalive_requests 1000000;
                    server {{ listen 127.0.0.1:{self.port}; root {self.root}/data;
                              location / {{ dav_methods PUT DELETE MKCOL; create_full_put_path on; }} }} }}
            """)
        self.process = subprocess.Popen(
            ["nginx", "-p", self.root, "-c", os.path.join(self.root, "nginx.conf")], stderr=subprocess.DEVNULL)
        for _ in range(500):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=1).close()
                return
            except urllib.error.HTTPError:
                return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.02)
        raise pairs.CommandFailed("nginx does not answer")

    def close(self):
        self.process.terminate()
        self.process.wait()


def remote(bench):
    bazel = shutil.which("bazel")
    if not shutil.which("nginx") or not bazel:
        raise pairs.CommandFailed("install nginx-light and bazel-bootstrap")
    root = bench.make("actions", corpus.one_line_actions, COUNT)
    rules = bench.make("bazel", corpus.bazel_actions, COUNT)
    key = os.path.join(bench.scratch, "remote")
    environment = dict(bench.environment, MARTLET_KEY_PASSWORD="bench")
    if not os.path.exists(key + ".key"):
        subprocess.run([bench.program, "key", "generate", "--output", key], check=True, env=environment)
    server = Nginx(bench.scratch)
    start = [bazel, f"--output_user_root={bench.scratch}/bazel-root"]
    try:
        targets = [f"actions:a{index:04}" for index in range(COUNT)]
        place = ["--remote-cache", f"http://127.0.0.1:{server.port}/martlet", "--cache-policy", key + ".pub"]
        theirs = [*start, "build", "--jobs=32", "--noshow_progress",
                  f"--remote_cache=http://127.0.0.1:{server.port}/bazel", "//..."]

        def clean():
            subprocess.run([*start, "clean"], cwd=rules, env=bench.environment, check=True, capture_output=True)

        # Both caches are filled, and nothing of that is timed.
        bench.forget()
        subprocess.run([bench.program, "build", "--quiet", *place, "--sign", "--key", key + ".key", *targets], cwd=root,
                       env=environment, check=True)
        clean()
        subprocess.run(theirs, cwd=rules, env=bench.environment, check=True, capture_output=True)
        ours, peer = bench.measure(
            bench.ours(root, "build", "--quiet", *place, *targets, before=bench.forget),
            bench.theirs(rules, *theirs, before=clean))
    finally:
        subprocess.run([*start, "shutdown"], cwd=rules, env=bench.environment, check=False, capture_output=True)
        server.close()
    return [against(
        "13", f"{COUNT} packages from a remote cache (nginx), signatures verified", ours, peer,
        "Bazel, warm server, nothing verified", "≤ 1.00", pairs.ratio(ours, peer) <= 1)]


ROWS["remote"] = remote
