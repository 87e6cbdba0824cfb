"""What is measured, row by row. Each function gives lines of the table."""

import hashlib
import os
import shutil
import subprocess
import tempfile

import corpus
import pairs
from table import Line, duration, sample

GITPOD_COMMIT = "4f45d02eac95a253e9031c5f651e62585f6c9d3b"
# SHA-256 of the 249 lines `name version` that Leeway v0.21.1 computes for that commit.
GITPOD_VERSIONS = "cdb2812cac6f0cc519801401d6fa8897ad999527845a6c02efe35b5863b515a2"


class Bench:
    """The scratch directory, the program under test, and how often things are repeated."""

    def __init__(self, program, scratch, repetitions, gitpod):
        self.program = program
        self.scratch = scratch
        self.repetitions = repetitions
        self.gitpod = gitpod
        self.log = os.path.join(scratch, "log")
        self.cache = os.path.join(scratch, "cache")
        self.aside = os.path.join(scratch, "aside")
        tools = os.path.join(scratch, "tools")
        # The tools that go into a Leeway version, in the versions of the golden list.
        for name, answer in (("go", "go version go1.24.9 linux/amd64"), ("yarn", "1.22.22"), ("node", "v22.22.0")):
            corpus.write(os.path.join(tools, name), f"#!/bin/sh\necho {answer}\n")
            os.chmod(os.path.join(tools, name), 0o755)
        self.environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": os.path.join(scratch, "home"), "LC_ALL": "C.UTF-8",
            "MARTLET_CACHE_DIR": self.cache, "GIT_CONFIG_GLOBAL": os.path.join(scratch, "gitconfig"),
        }
        os.makedirs(self.environment["HOME"], exist_ok=True)
        corpus.write(os.path.join(scratch, "gitconfig"), "[safe]\n\tdirectory = *\n")
        self.gitpod_environment = dict(self.environment, PATH=tools + ":" + self.environment["PATH"])

    def make(self, name, generator, *arguments):
        """The directory of a corpus, made once."""
        root = os.path.join(self.scratch, "corpora", name)
        if not os.path.exists(root + ".done"):
            shutil.rmtree(root, ignore_errors=True)
            os.makedirs(root)
            generator(root, *arguments)
            corpus.write(root + ".done", "")
        return root

    def forget_index(self):
        """Removes what is remembered of workspaces: statuses, hashes and loads. Results of actions stay."""
        shutil.rmtree(os.path.join(self.cache, "index"), ignore_errors=True)

    def forget(self):
        """Puts the cache aside, and with it every index. Deleted at once, its inodes would slow down whoever comes next:
        ext4 goes around those that were free for less than some minutes."""
        if os.path.exists(self.cache):
            os.makedirs(self.aside, exist_ok=True)
            os.rename(self.cache, os.path.join(self.aside, str(len(os.listdir(self.aside)))))

    def close(self):
        """Removes what was put aside."""
        subprocess.run(["chmod", "-R", "u+w", self.aside], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.aside, ignore_errors=True)

    def ours(self, root, *arguments, before=None, environment=None):
        return pairs.Command([self.program, *arguments], root, environment or self.environment, before)

    def theirs(self, root, *argv, before=None):
        return pairs.Command(list(argv), root, self.environment, before)

    def measure(self, *commands, repetitions=None, warmups=1):
        return pairs.measure(list(commands), repetitions or self.repetitions, self.log, warmups)


def against(row, what, ours, peer, name, target, met):
    """A line that sets our sample beside a peer's."""
    return Line(
        row, what, len(ours.runs), sample(ours), f"{name} {sample(peer)}", f"{pairs.ratio(ours, peer):.2f}", target,
        met)


def within(row, what, ours, limit, peer=None, name=""):
    """A line whose target is a time."""
    return Line(
        row, what, len(ours.runs), sample(ours), f"{name} {sample(peer)}" if peer else "",
        f"{pairs.ratio(ours, peer):.2f}" if peer else "", f"≤ {duration(limit)}", ours.median <= limit)


def edit(path):
    """A function that changes a file to a content that it never had."""
    def change():
        change.count += 1
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"edit {os.getpid()} {change.count}\n")
    change.count = 0
    return change


def gitpod(bench):
    if not bench.gitpod:
        return [Line("1", "gitpod workspace: no checkout at $MARTLET_GITPOD", 0, "", "", "", "", None)]
    root = bench.gitpod
    environment = bench.gitpod_environment
    output = subprocess.run(
        [bench.program, "collect"], cwd=root, env=environment, check=True, capture_output=True).stdout
    listing = output.replace(b"\t", b" ")
    right = hashlib.sha256(listing).hexdigest() == GITPOD_VERSIONS
    status = bench.theirs(root, "git", "status", "-s")
    cold, git_cold = bench.measure(
        bench.ours(root, "collect", before=bench.forget_index, environment=environment), status)
    warm, git_warm = bench.measure(bench.ours(root, "collect", environment=environment), status)
    count = listing.count(b"\n")
    return [
        Line("1", f"gitpod: {count} versions equal the golden list", 1, "yes" if right else "no", "", "", "equal", right),
        within("1", "gitpod: `collect`, no index", cold, 0.10, git_cold, "git status"),
        within("1", "gitpod: `collect`, warm index", warm, 0.03, git_warm, "git status"),
    ]


def graphs(bench):
    lines = []
    for name, generator, limit, what in (
        ("random", corpus.random_graph, 0.1, "random graph, 500 packages × 3 dependencies"),
        ("many", corpus.many_small, 0.4, "2,000 packages × 5 files"),
    ):
        root = bench.make(name, generator)
        cold, git = bench.measure(
            bench.ours(root, "collect", before=bench.forget_index), bench.theirs(root, "git", "status", "-s"))
        lines.append(within("2", f"{what}: `collect`, no index", cold, limit, git, "git status"))
    root = bench.make("diamond", corpus.diamond)
    chain, start = bench.measure(
        bench.ours(root, "collect", before=bench.forget_index), bench.ours(root, "--version"))
    net = pairs.difference(chain, start)
    lines.append(Line(
        "2", "diamond chain, 48 packages: `collect` less `--version`", len(chain.runs), duration(net),
        f"whole process {sample(chain)}", "", "≤ 10.0 ms", net <= 0.010))
    return lines


def monorepo(bench):
    root = bench.make("mono", corpus.mono)
    status = bench.theirs(root, "git", "status", "-s")
    edited = os.path.join(root, "g00/p0000/src/f00.txt")
    first, git_first = bench.measure(bench.ours(root, "collect", before=bench.forget_index), status)
    after, git_after = bench.measure(
        bench.ours(root, "collect", before=edit(edited)),
        bench.theirs(root, "git", "status", "-s", before=edit(edited)))
    subprocess.run(["git", "checkout", "-q", "."], cwd=root, env=bench.environment, check=True)
    lines = [
        within("3", "1,000 packages, 50,000 files: `collect`, no index", first, 0.45, git_first, "git status"),
        within("3", "the same after one edit", after, 0.11, git_after, "git status"),
    ]
    build = bench.ours(root, "build")
    try:
        cold = pairs.run(pairs.Command(["timeout", "600", *build.argv], root, bench.environment), bench.log)
    except pairs.CommandFailed:
        return lines + [Line("3", "the same: first `build`", 1, "not done in 600 s", "", "", "", False)]
    no_op, git = bench.measure(build, status, warmups=2)
    ratio = pairs.ratio(no_op, git)
    peak = no_op.peak_bytes / 1e6
    return lines + [
        Line("3", "the same: first `build`", 1, duration(cold.seconds), "", "", "", None),
        against("3", "the same: `build` with nothing to do", no_op, git, "git status", "ratio ≤ 1", ratio <= 1),
        Line("3", "the same: peak memory of that", len(no_op.runs), f"{peak:.0f} MB", "", "", "≤ 150 MB", peak <= 150),
    ]


def dependency(bench):
    root = bench.make("large", corpus.large_dependency)
    # In memory: on a disk the syncs of a build vary by more than what is measured, and both sides make files where
    # others were deleted a moment ago, whose inodes ext4 goes around.
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="martlet-bench-") as memory:
        return dependency_rows(bench, root, memory)


def dependency_rows(bench, root, memory):
    environment = dict(bench.environment, MARTLET_CACHE_DIR=os.path.join(memory, "cache"))
    subprocess.run([bench.program, "build", "big:lib"], cwd=root, env=environment, check=True, capture_output=True)
    lines = []
    touched = {name: os.path.join(root, name, "a.txt") for name in ("with", "without")}

    def both(*arguments):
        commands = [
            bench.ours(
                root, "build", f"{name}:lib", *arguments, before=edit(touched[name]), environment=environment)
            for name in ("with", "without")
        ]
        return bench.measure(*commands)

    with_it, without = both()
    cost = pairs.difference(with_it, without)
    lines.append(Line(
        "4", "10,000 files, 100 MB before a step: mounted", len(with_it.runs), duration(cost),
        f"step alone {sample(without)}", "", "≤ 20.0 ms", cost <= 0.020))

    outside = os.path.join(memory, "untar")
    archive = os.path.join(memory, "big.tar.gz")
    source = os.path.join(memory, "big")
    os.makedirs(source, exist_ok=True)
    subprocess.run(["python3", os.path.join(root, "big", "make.py")], cwd=source, check=True)
    subprocess.run(["tar", "czf", archive, "-C", source, "."], check=True)

    def clean():
        shutil.rmtree(outside, ignore_errors=True)
        os.makedirs(outside)

    subprocess.run(
        [bench.program, "build", "big:lib", "--sandbox", "off"], cwd=root, env=environment, check=True,
        capture_output=True)
    commands = [
        bench.ours(
            root, "build", f"{name}:lib", "--sandbox", "off", before=edit(touched[name]), environment=environment)
        for name in ("with", "without")
    ]
    untar = bench.theirs(root, "tar", "xzf", archive, "-C", outside, before=clean)
    with_it, without, peer = bench.measure(*commands, untar)
    cost = pairs.difference(with_it, without)
    faster = peer.median / cost if cost > 0 else float("inf")
    lines.append(Line(
        "4", "the same without a sandbox: copied out", len(with_it.runs), duration(cost), f"tar xzf {sample(peer)}",
        f"{cost / peer.median:.2f}", "3 times faster", faster >= 3))
    return lines


# What a step of martlet sees, as one call of bubblewrap.
BWRAP = (
    "bwrap --unshare-user --unshare-pid --unshare-uts --unshare-ipc --unshare-cgroup-try --unshare-net --uid 1000 "
    "--gid 100 --hostname localhost --die-with-parent --new-session --as-pid-1 --cap-drop ALL --ro-bind /usr /usr "
    "--symlink usr/bin /bin --symlink usr/sbin /sbin --symlink usr/lib /lib --symlink usr/lib64 /lib64 "
    "--ro-bind /etc/alternatives /etc/alternatives --ro-bind /etc/ssl /etc/ssl --proc /proc --tmpfs /dev "
    "--dev-bind /dev/null /dev/null --dev-bind /dev/zero /dev/zero --dev-bind /dev/full /dev/full "
    "--dev-bind /dev/random /dev/random --dev-bind /dev/urandom /dev/urandom --dev-bind /dev/tty /dev/tty "
    "--symlink /proc/self/fd /dev/fd --tmpfs /dev/shm --remount-ro /dev --tmpfs /tmp"
).split()


def actions(bench):
    count = 1000
    root = bench.make("actions", corpus.one_line_actions, count)
    rules = bench.make("bazel", corpus.bazel_actions, count)
    targets = [f"actions:a{index:04}" for index in range(count)]
    repetitions = max(3, bench.repetitions // 3)
    ours = bench.ours(root, "build", "-j", "2", *targets, before=bench.forget)
    shell = " ".join(BWRAP + ["--bind", "/var/tmp", "/build", "--chdir", "/build", "sh", "-c"])
    bare = bench.theirs(
        root, "sh", "-c", f"seq {count} | xargs -P2 -I@ {shell} 'echo @ > /tmp/out.txt'")
    commands = [ours, bare]
    bazel = shutil.which("bazel")
    if bazel:
        start = [bazel, f"--output_user_root={bench.scratch}/bazel-root"]
        subprocess.run([*start, "info"], cwd=rules, env=bench.environment, check=True, capture_output=True)

        def clean():
            subprocess.run([*start, "clean"], cwd=rules, env=bench.environment, check=True, capture_output=True)

        commands.append(bench.theirs(
            rules, *start, "build", "--jobs=2", "--spawn_strategy=linux-sandbox", "--genrule_strategy=linux-sandbox",
            "--noshow_progress", "//...", before=clean))
    samples = bench.measure(*commands, repetitions=repetitions, warmups=0)
    if bazel:
        subprocess.run([*start, "shutdown"], cwd=rules, env=bench.environment, check=False, capture_output=True)
    lines = [within("5", f"{count} sandboxed one-line actions, cold, 2 at a time", samples[0], 8.0, samples[1],
                    "bare bwrap, xargs -P2")]
    if bazel:
        lines.append(against(
            "5", "the same", samples[0], samples[2], "Bazel linux-sandbox, warm server", "ratio < 1",
            pairs.ratio(samples[0], samples[2]) < 1))
    return lines


def start(bench):
    version, true = bench.measure(
        bench.ours("/", "--version"), bench.theirs("/", "/bin/true"), repetitions=bench.repetitions * 10, warmups=20)
    libraries = subprocess.run(["ldd", bench.program], capture_output=True, text=True, check=True).stdout
    names = sorted(
        line.split()[0] for line in libraries.splitlines()
        if not any(own in line for own in ("linux-vdso", "ld-linux")))
    only_libc = all(name.startswith(("libc.so", "libm.so")) for name in names)
    size = os.path.getsize(bench.program) / 1e6
    return [
        within("6", "`martlet --version`", version, 0.005, true, "/bin/true"),
        Line("6", "libraries (both are the C library)", 1, ", ".join(names), "", "", "C library only", only_libc),
        Line("6", "size of the program", 1, f"{size:.1f} MB", "", "", "", None),
    ]


def sandbox(bench):
    count = 20
    root = bench.make("steps", corpus.steps_of_one_file, count)
    change = edit(os.path.join(root, "steps", "a.txt"))
    build = ["build", "-j", "1", *(f"steps:s{index:02}" for index in range(count))]
    boxed = bench.ours(root, *build, before=change)
    open_ = bench.ours(root, *build, "--sandbox", "off", before=change)
    bare = bench.theirs(root, *BWRAP, "--bind", "/var/tmp", "/build", "--chdir", "/build", "/usr/bin/true")
    true = bench.theirs(root, "/usr/bin/true")
    samples = bench.measure(boxed, open_, bare, true, repetitions=bench.repetitions * 3, warmups=2)
    ours = pairs.difference(samples[0], samples[1]) / count
    peer = pairs.difference(samples[2], samples[3])
    return [Line(
        "7", f"sandbox of one step: `build` of {count} steps less `build --sandbox off`, by {count}",
        len(samples[0].runs), duration(ours), f"bwrap true less true: {duration(peer)}", f"{ours / peer:.2f}",
        "bwrap + 2.0 ms", ours <= peer + 0.002)]


ROWS = {
    "gitpod": gitpod, "graphs": graphs, "monorepo": monorepo, "dependency": dependency, "actions": actions,
    "start": start, "sandbox": sandbox,
}
