"""What suites share: checks of which the first that fails ends the suite, commands, and servers to wait for."""
import os, signal, socket, subprocess, sys, time, urllib.error, urllib.request


class Suite:
    """The checks of one suite. Its commands run in `environment`, where one is given."""

    def __init__(self, name, environment=None):
        self.name, self.environment, self.passed = name, environment, 0

    def check(self, what, holds, why=""):
        if not holds:
            sys.exit(f"{self.name}: FAILED {what}: {why}")
        self.passed += 1

    def run(self, *words, status=0, **options):
        """The end of a command, whose exit status is checked unless it is `None`."""
        options = {"env": self.environment, "timeout": 300, **options}
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)
        if status is not None:
            self.check(" ".join(map(str, words[:8])), done.returncode == status,
                       f"{done.returncode} in place of {status}\n{done.stdout[-5000:]}{done.stderr[-5000:]}")
        return done

    def wait_for(self, url):
        """Waits for a web server, whatever it answers."""
        for _ in range(1500):
            try:
                urllib.request.urlopen(url, timeout=10).close()
                return
            except urllib.error.HTTPError:
                return
            except (urllib.error.URLError, ConnectionError, socket.timeout):
                time.sleep(0.02)
        self.check(f"{url} answers", False)


class Serving:
    """A `martlet serve` on a port that nobody chose, until the block ends."""

    def __init__(self, suite, martlet, data, *options):
        self.suite, self.data = suite, data
        self.command = [martlet, "serve", "--data", str(data), "--listen", "127.0.0.1:0", *options]

    def __enter__(self):
        address = f"{self.data}/address"
        if os.path.exists(address):
            os.remove(address)
        with open(f"{self.data}.log", "a") as log:
            self.process = subprocess.Popen(
                self.command, stdout=subprocess.DEVNULL, stderr=log, env=self.suite.environment)
        while not os.path.exists(address):
            with open(f"{self.data}.log") as log:
                self.suite.check("the server starts", self.process.poll() is None, log.read()[-3000:])
            time.sleep(0.05)
        with open(address) as file:
            self.url = file.read().strip()
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=120)


def free_port():
    with socket.socket() as free:
        free.bind(("0.0.0.0", 0))
        return free.getsockname()[1]
