"""The transparency log: the library by itself, and martlet's server under load from this machine, every acknowledged entry
looked for afterwards."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request

import pairs
from rows import ROWS
from table import Line

# Entries of a log for memory, files and recovery; the targets are those of 10 million.
COUNT = int(os.environ.get("MARTLET_BENCH_LOG_ENTRIES", 10_000_000))


def driver():
    """LogDriver of a release build, which is made when it is not there."""
    named = os.environ.get("MARTLET_LOG_DRIVER")
    if named:
        return named
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    subprocess.run(["swift", "build", "-c", "release", "--static-swift-stdlib", "--product", "LogDriver"], cwd=root,
                   check=True, stdout=subprocess.DEVNULL)
    return os.path.join(root, ".build", "release", "LogDriver")


def wait_for_address(data, process):
    """The address of a server, which it writes into its data directory when it answers."""
    address = os.path.join(data, "address")
    for _ in range(1000):
        if os.path.exists(address):
            with open(address, encoding="utf-8") as file:
                return file.read().strip()
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise pairs.CommandFailed("martlet serve does not answer")


class Server:
    """`martlet serve` with the log alone, on a port that nobody chose."""

    def __init__(self, bench):
        self.data = os.path.join(bench.scratch, "log-server")
        shutil.rmtree(self.data, ignore_errors=True)
        os.makedirs(self.data)
        with open(os.path.join(self.data, "serve.yaml"), "w", encoding="utf-8") as file:
            file.write("services:\n  log:\n    rawEntries: true\n    origin: bench.example/log\n")
        self.process = subprocess.Popen(
            [bench.program, "serve", "--data", self.data, "--only", "log", "--listen", "127.0.0.1:0"],
            stdout=subprocess.DEVNULL)
        self.port = wait_for_address(self.data, self.process).rsplit(":", 1)[1]

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        shutil.rmtree(self.data, ignore_errors=True)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise pairs.CommandFailed(f"{' '.join(command[1:])}: {done.stdout}{done.stderr}")
    return done.stdout


def figures(text):
    """What `LogDriver load` prints, as numbers."""
    found = re.search(r": (\d+) entries/s, p50 ([\d.]+) ms, p99 ([\d.]+) ms, (\d+) ns of the server's and (\d+) ns of", text)
    rate, median, late, server, client = (float(group) for group in found.groups())
    refused = int(re.search(r"(\d+) refused", text).group(1)) if "refused" in text else 0
    return {"rate": rate, "p50": median, "p99": late, "cpu": server / 1000, "client": client / 1000, "refused": refused}


def served(bench, program):
    """Lines for the server over HTTP: the median of the repetitions by rate."""
    quick = bench.repetitions <= 3
    kinds = [
        ("add", 1, 1_000), ("add", 1024, 60_000 if quick else 200_000),
        ("batch", 4, 400_000 if quick else 1_000_000), ("create", 256, 10_000 if quick else 20_000),
        ("tiles", 64, 50_000 if quick else 200_000),
    ]
    lines = []
    for kind, clients, count in kinds:
        samples = []
        for _ in range(bench.repetitions):
            server = Server(bench)
            try:
                if kind == "tiles":
                    run(program, "load", server.port, "batch", "2", "40000")
                samples.append(figures(run(
                    program, "load", server.port, kind, str(clients), str(count), str(server.process.pid))))
            finally:
                server.close()
        middle = sorted(samples, key=lambda sample: sample["rate"])[len(samples) // 2]
        rates = [sample["rate"] for sample in samples]
        refused = max(sample["refused"] for sample in samples)
        said = (f"{middle['rate']:.0f}/s ({min(rates):.0f} – {max(rates):.0f}); p50 {middle['p50']:.2f} ms, "
                f"p99 {middle['p99']:.2f} ms; CPU {middle['cpu']:.1f} µs an entry, client {middle['client']:.1f} µs")
        what, target, met = {
            "add": (f"`/log/add` of 400 bytes, {clients} clients, 0 refused", "≥ 31000/s, p99 < 100 ms, ≤ 26 µs",
                    middle["rate"] >= 31_000 and middle["p99"] < 100 and middle["cpu"] <= 26 and refused == 0),
            "batch": (f"`/log/add-entries`, 2,000 of 400 bytes, {clients} clients", "≥ 200000/s",
                      middle["rate"] >= 200_000 and refused == 0),
            "create": (f"Rekor v2 create, {clients} clients", "≥ 6000/s, ≤ 120 µs",
                       middle["rate"] >= 6_000 and middle["cpu"] <= 120 and refused == 0),
            "tiles": (f"tiles from cache, {clients} clients", "≥ 50000/s", middle["rate"] >= 50_000),
        }[kind]
        if clients == 1:
            what, target = "`/log/add`, one client", "p50 < 2 ms, p99 < 10 ms"
            met = middle["p50"] < 2 and middle["p99"] < 10
        lines.append(Line("14", what, len(samples), said, "", "", target, met))
    return lines


def library(bench, program):
    """Lines for a log of many entries, without HTTP."""
    directory = os.path.join(bench.scratch, "log-library")
    shutil.rmtree(directory, ignore_errors=True)
    try:
        found = json.loads(run(program, "measure", directory, str(COUNT)).strip().splitlines()[-1])
        found = {name: float(str(value).removesuffix(" ms")) for name, value in found.items()}
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    count = int(found["entries"])
    return [
        Line("14", "library: 1 client", 1, f"p50 {found['p50']:.2f} ms, p99 {found['p99']:.2f} ms", "", "",
             "p50 < 2 ms, p99 < 10 ms", found["p50"] < 2 and found["p99"] < 10),
        Line("14", f"library: batches of 2,000, {count} entries", 1,
             f"{found['rate']:.0f}/s; CPU {found['cpu'] / 1000:.1f} µs an entry", "", "", "≥ 200000/s",
             found["rate"] >= 200_000),
        Line("14", "the same: most memory", 1, f"{found['memory'] / 1e6:.0f} MB", "", "", "< 150 MB",
             found["memory"] < 150e6),
        Line("14", "the same: files", 1, f"{found['files']:.0f}", "", "", "≤ 1 for 10000 entries",
             found["files"] <= max(20, count / 10_000)),
        Line("14", "the same: start after a kill", 1, f"{found['start'] / 1000:.2f} s", "", "", "< 2 s", found["start"] < 2000),
        Line("14", "the same: index, bytes an entry", 1, f"{found['index']:.1f}", "", "", "≤ 60", found["index"] <= 60),
        Line("14", "disk for hashedrekord entries, of raw", 1, f"{found['disk']:.2f}", "", "", "≤ 0.45",
             found["disk"] <= 0.45),
    ]


class SigningSite:
    """All of martlet's services, a client that may ask for tokens of builds, and a workspace of many packages."""

    BUILDER = "https://ci.example/builders/main"

    def __init__(self, bench, packages):
        self.bench, self.packages, self.forgotten = bench, packages, 0
        self.root = os.path.join(bench.scratch, "keyless")
        shutil.rmtree(self.root, ignore_errors=True)
        self.environment = {
            **os.environ, "HOME": self.root, "XDG_DATA_HOME": f"{self.root}/share", "XDG_CACHE_HOME": f"{self.root}/cache",
            "MARTLET_CACHE_DIR": f"{self.root}/builds", "MARTLET_KEY_PASSWORD": "benchmark"}
        data = f"{self.root}/data"
        self.write("secret", "hush\n")
        self.workspace()
        self.ask("authority", "init", "--organization", "Benchmark", "--dir", f"{data}/authority")
        self.ask("authority", "client", "ci", "--builds", "https://ci.example/builders", "--dir", f"{data}/authority",
                 "--secret-file", f"{self.root}/secret")
        self.server = subprocess.Popen([bench.program, "serve", "--data", data, "--listen", "127.0.0.1:0"],
                                       env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        url = wait_for_address(data, self.server)
        with urllib.request.urlopen(f"{url}/trust/config.json") as answer:
            trust = json.load(answer)
        logs = trust["signingConfig"]["rekorTlogUrls"]
        trust["signingConfig"]["rekorTlogUrls"] = [log for log in logs if log["majorApiVersion"] == 2]
        self.write("trust.json", json.dumps(trust))
        self.write("signing.json", json.dumps(trust["signingConfig"]))

    def write(self, name, text):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def ask(self, *words):
        done = subprocess.run([self.bench.program, *words], env=self.environment, capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise pairs.CommandFailed(f"{' '.join(words)}: {done.stdout}{done.stderr}")

    def workspace(self):
        """Packages that copy a file, and one that needs all of them, in a repository: the commit is in each token."""
        self.write("ws/WORKSPACE.yaml", "defaultTarget: all:all\n")
        names = [f"p{number}" for number in range(self.packages - 1)]
        for name in names:
            self.write(f"ws/{name}/BUILD.yaml", "packages:\n- name: p\n  type: generic\n  srcs: ['*.txt']\n  config:\n"
                                                "    commands: [['cp', 'a.txt', 'out']]\n")
            self.write(f"ws/{name}/a.txt", f"{name}\n")
        needed = ", ".join(f"'{name}:p'" for name in names)
        self.write("ws/all/BUILD.yaml", f"packages:\n- name: all\n  type: generic\n  deps: [{needed}]\n")
        for words in (["init", "-q", "-b", "main"], ["remote", "add", "origin", "https://git.example/team/ws.git"],
                      ["add", "-A"], ["-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "first"]):
            subprocess.run(["git", *words], cwd=f"{self.root}/ws", check=True, capture_output=True)

    def command(self, *words):
        def forget():
            # Not removed: after that, ext4 makes new files slowly for some seconds.
            if os.path.exists(f"{self.root}/builds"):
                self.forgotten += 1
                os.rename(f"{self.root}/builds", f"{self.root}/builds-{self.forgotten}")
        return pairs.Command([self.bench.program, "build", *words], f"{self.root}/ws", self.environment, forget)

    def close(self):
        self.server.send_signal(signal.SIGTERM)
        self.server.wait()
        shutil.rmtree(self.root, ignore_errors=True)


def keyless(bench):
    """What a signature adds to each package of a build: certificate, promise, timestamp, entry and proof, and the check of
    all that."""
    site = SigningSite(bench, 50)
    try:
        signed, plain = pairs.measure([
            site.command("--sign", "keyless", "--issuer-client", "ci", "--issuer-secret-file", f"{site.root}/secret",
                         "--builder-id", site.BUILDER, "--trusted-root", f"{site.root}/trust.json",
                         "--signing-config", f"{site.root}/signing.json"),
            site.command()], bench.repetitions, bench.log)
    finally:
        site.close()
    each = pairs.difference(signed, plain) / site.packages * 1000
    return [Line("14", f"keyless signature of one package, of {site.packages} in a build", bench.repetitions,
                 f"{each:.1f} ms (a build of all: {signed.median:.2f} s, unsigned {plain.median:.2f} s)", "", "",
                 "≤ 15 ms", each <= 15)]


def log(bench):
    program = driver()
    return served(bench, program) + keyless(bench) + library(bench, program)


ROWS["log"] = log
