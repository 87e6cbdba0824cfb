"""The explorer's pages in a real browser: headless Chromium, driven through the DevTools protocol.

    pages.py MARTLET WORK

Pages must load without an error or a request to elsewhere, check proofs by themselves, find what a proxy between server
and browser changed, and be usable by keys and by screen readers, in light and in dark. Screenshots are left in WORK.
"""
import base64, hashlib, http.client, http.server, json, os, shutil, subprocess, sys, threading, time, urllib.parse
import urllib.request

import websocket
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

MARTLET, WORK = (os.path.abspath(word) for word in sys.argv[1:])
DATA = f"{WORK}/data"
ENVIRONMENT = {**os.environ, "HOME": WORK, "XDG_DATA_HOME": f"{WORK}/share", "XDG_CACHE_HOME": f"{WORK}/cache",
               "MARTLET_KEY_PASSWORD": "interop"}
HOSTILE = '"><script>hostile=1</script><img src=x onerror=hostile=1>\u202egnp.exe\u200b' + "A" * 100_000
# Where styles and script are taken from instead of the server, to try changes without a build of martlet.
ASSETS = os.environ.get("PAGES_ASSETS")
checks = 0


def check(what, holds, why=""):
    global checks
    checks += 1
    if not holds:
        sys.exit(f"pages: {what}: {why}")


def run(*words, **options):
    done = subprocess.run(words, capture_output=True, text=True, env=ENVIRONMENT, **options)
    check(" ".join(words[:5]), done.returncode == 0, f"{done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def write(name, content):
    with open(f"{WORK}/{name}", "wb") as file:
        file.write(content)
    return f"{WORK}/{name}"


def wait(what, holds, process):
    deadline = time.monotonic() + 120
    while not holds():
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"pages: {what} did not start")
        time.sleep(0.05)


# What is shown


def log_statement(payload, key):
    """Logs a statement as Rekor's clients do, and gives its index."""
    kind = b"application/vnd.in-toto+json"
    message = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        signature = key.sign(message)
    else:
        signature = key.sign(message, ec.ECDSA(hashes.SHA384() if key.curve.key_size == 384 else hashes.SHA256()))
    envelope = {"payloadType": kind.decode(), "payload": base64.b64encode(payload).decode(),
                "signatures": [{"sig": base64.b64encode(signature).decode()}]}
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    entry = {"apiVersion": "0.0.1", "kind": "dsse", "spec": {"proposedContent": {
        "envelope": json.dumps(envelope), "verifiers": [base64.b64encode(pem).decode()]}}}
    request = urllib.request.Request(f"{URL}/api/v1/log/entries", json.dumps(entry).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return next(iter(json.load(answer).values()))["logIndex"]


def workspace():
    """A workspace with four packages; gives the statements of its build, that of the application last."""
    root = f"{WORK}/team"
    files = {"WORKSPACE.yaml": "defaultTarget: app:app\n"}
    for name, needs in (("words", []), ("fonts", []), ("lib", ["words:words"]), ("app", ["lib:lib", "fonts:fonts"])):
        files[f"{name}/BUILD.yaml"] = (
            f"packages:\n- name: {name}\n  type: generic\n  srcs: ['*.txt']\n  deps: {json.dumps(needs)}\n"
            f"  config:\n    commands: [['sh', '-c', 'sort {name}.txt > {name}.out']]\n")
        files[f"{name}/{name}.txt"] = f"{name}\n"
    for name, content in files.items():
        os.makedirs(os.path.dirname(f"{root}/{name}"), exist_ok=True)
        with open(f"{root}/{name}", "w") as file:
            file.write(content)
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q"], ["remote", "add", "origin", "https://git.example/team.git"], ["add", "-A"],
                  ["commit", "-qm", "first"]):
        run(*git, *words, cwd=root)
    run(MARTLET, "build", "--quiet", "--save", f"{WORK}/app.tar.gz", "--no-embed", cwd=root)
    lines = run(MARTLET, "provenance", "export", "app:app", cwd=root).splitlines()
    return [base64.b64decode(json.loads(line)["payload"]) for line in lines]


def keyless(predicate):
    """Attests as a build of the server's own authority, and gives the index of the entry."""
    form = urllib.parse.urlencode({
        "grant_type": "client_credentials", "client_id": "ci", "client_secret": "hush",
        "build": json.dumps({"build_signer_uri": "https://ci.example/builders/main",
                             "source_repository_uri": "https://git.example/team",
                             "source_repository_digest": "a" * 40, "source_repository_ref": "refs/heads/main"})})
    with urllib.request.urlopen(f"{URL}/identity/token", form.encode()) as answer:
        token = write("token", json.load(answer)["id_token"].encode())
    with urllib.request.urlopen(f"{URL}/trust/config.json") as answer:
        config = json.load(answer)
    # A log of version 1 takes the statement; of version 2 it takes a digest.
    services = config["signingConfig"]["rekorTlogUrls"]
    config["signingConfig"]["rekorTlogUrls"] = [one for one in services if one["majorApiVersion"] == 1]
    trust = write("trust.json", json.dumps(config).encode())
    run(MARTLET, "attest", f"{WORK}/app.tar.gz", "--predicate", write("predicate.json", predicate), "--type",
        "slsaprovenance1", "--identity-token-file", token, "--trusted-root", trust, "--signing-config", trust,
        "--bundle", f"{WORK}/app.sigstore.json")
    with open(f"{WORK}/app.sigstore.json") as file:
        entries = json.load(file)["verificationMaterial"]["tlogEntries"]
    return int(entries[0]["logIndex"])


# The proxy


class Proxy(http.server.BaseHTTPRequestHandler):
    """Passes requests on, and flips one bit of what begins with `target`: of the byte at `place`, or of the middle."""
    target = None
    place = None
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        connection = http.client.HTTPConnection(URL.split("//")[1], timeout=60)
        connection.request("GET", self.path, headers={"Accept": self.headers.get("Accept", "*/*")})
        answer = connection.getresponse()
        body = bytearray(answer.read())
        own = os.path.join(ASSETS, os.path.basename(self.path)) if ASSETS else ""
        if own and self.path.startswith("/explore/explorer.") and os.path.exists(own):
            with open(own, "rb") as file:
                body = bytearray(file.read())
        if Proxy.target and self.path.startswith(Proxy.target):
            body[len(body) // 2 if Proxy.place is None else Proxy.place] ^= 1
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        connection.close()

    def log_message(self, *words):
        pass


# The browser


class Browser:
    def __init__(self):
        program = next(path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path)
        profile = f"{WORK}/profile"
        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
             "--remote-allow-origins=*", "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
        file = f"{profile}/DevToolsActivePort"
        wait("Chromium", lambda: os.path.exists(file) and open(file).read().count("\n") >= 1, self.process)
        port = open(file).read().split("\n")[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
            page = next(item for item in json.load(answer) if item["type"] == "page")
        self.socket = websocket.create_connection(page["webSocketDebuggerUrl"], timeout=120)
        self.number = 0
        self.events = []
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility", "DOM"):
            self.ask(f"{domain}.enable")
        self.look(False)

    def ask(self, method, **parameters):
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == self.number:
                check(method, "error" not in message, message.get("error"))
                return message["result"]
            self.events.append(message)

    def event(self, name):
        """Waits until something happens, or has happened since the events were last cleared."""
        while True:
            for message in self.events:
                if message["method"] == name:
                    return message
            self.events.append(json.loads(self.socket.recv()))

    def look(self, dark, width=1280):
        self.ask("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)

    def value(self, expression):
        result = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        check(expression[:60], "exceptionDetails" not in result, result.get("exceptionDetails"))
        return result["result"].get("value")

    def open(self, address, troubles=()):
        """Opens a page and gives its problems, which must be none but those that are expected."""
        self.events = []
        self.ask("Page.navigate", url=address)
        self.event("Page.loadEventFired")
        self.quiet(address, troubles)

    def quiet(self, address, troubles=()):
        for message in self.events:
            method, content = message["method"], message["params"]
            if method == "Runtime.exceptionThrown":
                sys.exit(f"pages: {address}: {json.dumps(content)[:500]}")
            if method == "Log.entryAdded" and content["entry"]["level"] in ("error", "warning"):
                text = content["entry"]["text"]
                if not any(trouble in text for trouble in troubles):
                    sys.exit(f"pages: {address}: {text} {content['entry'].get('url')}")
            if method == "Network.requestWillBeSent":
                there = content["request"]["url"]
                check("only this server is asked", there.startswith((URL, SEEN, "data:")), there)

    def verdict(self):
        return self.value("""new Promise((done) => {
            const section = document.getElementById("proof-section");
            const look = () => section.dataset.result && done(section.dataset.result);
            new MutationObserver(look).observe(section, { attributes: true });
            look();
        })""")

    def press(self, key, code=None, text=None):
        extra = {"text": text} if text else {}
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=code or key,
                     windowsVirtualKeyCode={"Tab": 9, "Enter": 13}.get(key, 0), **(extra if kind == "keyDown" else {}))

    def picture(self, name):
        shot = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        write(f"{name}.png", base64.b64decode(shot["data"]))


CONTRAST = """(() => {
  const part = (value) => { const v = value / 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const parse = (text) => text.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? [20, 23, 27] : [255, 255, 255];
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || node.closest("svg, .hidden, .skip") || !node.checkVisibility()) continue;
    const a = light(parse(getComputedStyle(node).color)), b = light(ground(node));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${node.className} ${walker.currentNode.data.slice(0, 40)}`);
  }
  return poor;
})()"""


def accessible(browser, name):
    """Every control has a name, and the page has its landmarks and one first heading."""
    nodes = browser.ask("Accessibility.getFullAXTree")["nodes"]
    roles = {}
    for node in nodes:
        if node.get("ignored"):
            continue
        role = node["role"]["value"]
        text = node.get("name", {}).get("value", "").strip()
        roles.setdefault(role, []).append(text)
        focusable = any(p["name"] == "focusable" and p["value"].get("value") for p in node.get("properties", []))
        if focusable and role not in ("RootWebArea", "main"):
            check(f"{name}: a {role} has a name", text, json.dumps(node)[:400])
        if role in ("image", "table", "region"):
            check(f"{name}: {role} has a name", text or role == "table", json.dumps(node)[:400])
    for landmark in ("banner", "main", "contentinfo", "search"):
        check(f"{name} has the landmark {landmark}", landmark in roles, sorted(roles))
    check(f"{name} has a title", roles["RootWebArea"][0].endswith("martlet"))
    check(f"{name} has one first heading", browser.value("document.querySelectorAll('h1').length") == 1)
    levels = browser.value("[...document.querySelectorAll('h1,h2,h3')].map((h) => Number(h.tagName[1]))")
    check(f"{name} skips no heading", all(b - a <= 1 for a, b in zip(levels, levels[1:])), levels)
    check(f"{name} has no name twice", browser.value(
        "(() => { const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);"
        " return ids.length === new Set(ids).size })()"))


def pages(browser, addresses):
    for name, path in addresses.items():
        for dark in (False, True):
            browser.look(dark)
            browser.open(SEEN + path)
            if path.startswith("/explore/entry/"):
                check(f"{name}: the browser's check", browser.verdict() == "good",
                      browser.value("document.querySelector('.checks').innerText"))
                browser.quiet(path)
            if path.startswith("/explore/entry/"):
                browser.value("document.getElementById('path').open = true")
            check(f"{name}: contrast", not (poor := browser.value(CONTRAST)), poor)
            browser.picture(f"{name}-{'dark' if dark else 'light'}")
        accessible(browser, name)
        browser.look(False, width=400)
        browser.open(SEEN + path)
        wide = browser.value("""document.documentElement.scrollWidth <= 400 ? [] :
            [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > 400 &&
            !e.closest(".scroll, pre")).map((e) => e.outerHTML.slice(0, 120))""")
        check(f"{name}: nothing is wider than a telephone", not wide, wide)
        if path.startswith("/explore/entry/"):
            browser.verdict()
        browser.picture(f"{name}-narrow")
        browser.look(False)


def tampered(browser, index):
    """One flipped bit anywhere between server and browser turns the verdict red, at the step that it breaks."""
    for target, step in (("/log/tile/0/", "leaf"), ("/log/tile/entries/", "leaf"), ("/log/checkpoint", "checkpoint"),
                         (f"/explore/entry/{index}/statement", "statement")):
        Proxy.target = target
        browser.open(f"{SEEN}/explore/entry/{index}")
        check(f"{target} was changed", browser.verdict() == "bad")
        red = browser.value("[...document.querySelectorAll('.browser .verdict.bad')]"
                            ".map((e) => e.closest('tr').dataset.check)")
        # A bit in another leaf's hash breaks the path alone.
        check(f"{target} breaks {step}", step in red or target == "/log/tile/0/" and "root" in red, red)
        check("it is said", "wrong" in browser.value("document.getElementById('verdict').textContent"))
    browser.look(False)
    browser.picture("tampered-light")

    # No byte of a checkpoint is beside the point: not one of its names, its spaces, or either signature.
    with urllib.request.urlopen(f"{URL}/log/checkpoint") as answer:
        note = answer.read()
    ends = [at for at, byte in enumerate(note) if byte in b" =\n"]
    Proxy.target = "/log/checkpoint"
    for place in sorted({at + step for at in ends for step in (-1, 0, 1)} & set(range(len(note)))):
        Proxy.place = place
        browser.open(f"{SEEN}/explore/entry/{index}")
        check(f"byte {place} of {note!r} was changed", browser.verdict() == "bad")
    Proxy.target = Proxy.place = None


def without_scripts(browser, index):
    browser.ask("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(f"{SEEN}/explore/entry/{index}")
    text = browser.value("document.getElementById('verdict').textContent")
    check("without scripts the server's check is shown", text.startswith("This server has checked"), text)
    check("all steps are good", browser.value("document.querySelectorAll('td .verdict.good').length") == 5)
    browser.ask("Emulation.setScriptExecutionDisabled", value=False)


def keyboard(browser, query):
    browser.open(f"{SEEN}/explore")
    focused = "document.activeElement.id || document.activeElement.textContent.trim()"
    order = []
    for _ in range(6):
        browser.press("Tab")
        order.append(browser.value(focused))
    check("the order of keys", order[:5] == ["Skip to the content", "martlet", "top-query", "Search", "query"], order)
    browser.value("document.activeElement.blur()")
    browser.open(f"{SEEN}/explore")
    browser.press("Tab")
    check("the link is seen", browser.value("document.activeElement.getBoundingClientRect().left") >= 0)
    browser.press("Enter", text="\r")
    check("the link leads to the content", browser.value("document.activeElement.id") == "content")
    browser.press("Tab")
    check("then comes the search", browser.value(focused) == "query")
    browser.ask("Input.insertText", text=query)
    browser.events = []
    browser.press("Enter", text="\r")
    browser.event("Page.loadEventFired")
    check("Enter searches", browser.value("location.pathname") == "/explore/search")
    check("and finds", browser.value("document.querySelectorAll('main a').length") > 0)


def hostile(browser, index):
    for path in (f"/explore/entry/{index}", "/explore", f"/explore/search?q={urllib.parse.quote(HOSTILE[:200])}",
                 f"/explore/lineage?q={urllib.parse.quote('sha256:' + 'e' * 64)}"):
        browser.open(SEEN + path)
        check("nothing of a stranger's runs", browser.value("typeof hostile") == "undefined", path)
        check("nothing of a stranger's is markup", browser.value(
            "document.querySelectorAll('script:not([src=\"/explore/explorer.js\"]), main img').length") == 0, path)
        check("nothing is invisible", not browser.value("/[\\u202e\\u200b]/.test(document.body.textContent)"), path)
        check("nothing is endless", browser.value("document.documentElement.outerHTML.length") < 2_000_000, path)


os.makedirs(WORK, exist_ok=True)
run(MARTLET, "authority", "init", "--organization", "Example", "--dir", f"{DATA}/authority")
run(MARTLET, "authority", "client", "ci", "--builds", "https://ci.example/builders", "--dir", f"{DATA}/authority",
    "--secret-file", write("secret", b"hush\n"))
server = subprocess.Popen([MARTLET, "serve", "--data", DATA, "--listen", "127.0.0.1:0"], env=ENVIRONMENT,
                          stdout=subprocess.DEVNULL)
browser = None
try:
    wait("the server", lambda: os.path.exists(f"{DATA}/address"), server)
    with open(f"{DATA}/address") as file:
        URL = file.read().strip()
    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    SEEN = f"http://127.0.0.1:{proxy.server_port}"

    # More than a tile of entries, so that a path leads through two levels of tiles.
    curve = ec.generate_private_key(ec.SECP256R1())
    subject = {"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://example.org/p"}
    for number in range(258):
        log_statement(json.dumps({**subject, "subject": [{"name": f"filler-{number}", "digest": {
            "sha256": hashlib.sha256(b"%d" % number).hexdigest()}}], "predicate": {"number": number}}).encode(), curve)
    statements = workspace()
    indexes = [log_statement(payload, key) for payload, key in zip(
        statements, (curve, ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP384R1()), curve))]
    application = json.loads(statements[-1])
    by_build = keyless(json.dumps(application["predicate"]).encode())
    nasty = log_statement(json.dumps({**subject, "predicateType": HOSTILE[:1000], "subject": [
        {"name": HOSTILE, "digest": {"sha256": "e" * 64}}], "predicate": {HOSTILE[:5000]: HOSTILE}}).encode(), curve)

    browser = Browser()
    digest = application["subject"][0]["digest"]["sha256"]
    commit = application["predicate"]["buildDefinition"]["resolvedDependencies"][0]["digest"]["gitCommit"]
    addresses = {
        "start": "/explore", "entry": f"/explore/entry/{indexes[-1]}", "keyless": f"/explore/entry/{by_build}",
        "first": "/explore/entry/0", "search": f"/explore/search?q={digest}",
        "identity": "/explore/search?q=" + urllib.parse.quote("https://ci.example/builders/main"),
        "package": "/explore/lineage?q=app%3Aapp", "commit": f"/explore/lineage?q={commit}",
        "nothing": "/explore/search?q=nobody%40example.org",
        "statement": f"/explore/statement/{hashlib.sha256(statements[-1]).hexdigest()}",
    }
    pages(browser, addresses)
    browser.open(SEEN + addresses["identity"])
    check("the identity finds its entry", browser.value(
        f"!!document.querySelector('main a[href=\"/explore/entry/{by_build}\"]')"))
    browser.open(SEEN + addresses["package"])
    check("a build by this server's authority is verified", browser.value("document.querySelectorAll('.mark.good').length") > 0)
    check("the timeline has every package", browser.value("document.querySelectorAll('.timeline .bar').length") >= 4)
    for name in ("lib:lib", "words:words", "fonts:fonts"):
        check(f"the tree has {name}", name in browser.value("document.querySelector('.tree').textContent"))
    browser.open(f"{SEEN}/explore/search?q={by_build}")
    check("a number leads to its entry", browser.value("location.pathname") == f"/explore/entry/{by_build}")
    browser.open(f"{SEEN}/explore/entry/999999", troubles=["404"])
    accessible(browser, "missing")
    for index in indexes:
        browser.open(f"{SEEN}/explore/entry/{index}")
        check("every kind of key is checked", browser.verdict() == "good",
              browser.value("document.querySelector('.checks').innerText"))
    tampered(browser, indexes[-1])
    without_scripts(browser, by_build)
    keyboard(browser, digest)
    hostile(browser, nasty)
    with urllib.request.urlopen(urllib.request.Request(URL, headers={"Accept": "text/html"})) as answer:
        check("a browser that comes to the server is sent to its pages", answer.url == f"{URL}/explore")
    with urllib.request.urlopen(f"{URL}/explore") as answer:
        policy = answer.headers["Content-Security-Policy"]
        check("nothing inline may run", "default-src 'none'" in policy and "unsafe" not in policy, policy)
finally:
    if browser:
        browser.process.terminate()
        browser.process.wait(30)
    server.terminate()
    server.wait(60)
print(f"the explorer's pages hold in Chromium ({checks} checks)")
