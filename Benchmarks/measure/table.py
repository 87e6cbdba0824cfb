"""The table that the benchmarks print."""

import dataclasses
import os
import platform
import subprocess


@dataclasses.dataclass
class Line:
    """One measurement. Times are in seconds; `target` says in words what `met` decided."""

    row: str
    what: str
    count: int
    ours: str
    peer: str
    ratio: str
    target: str
    met: object


def duration(seconds):
    if abs(seconds) < 0.1:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds:.2f} s"


def sample(sample):
    spread = f"{duration(min(sample.times))} – {duration(max(sample.times))}"
    return f"{duration(sample.median)} ({spread}; CPU {duration(sample.cpu)})"


def first_line(argv):
    try:
        output = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        return "absent"
    return (output.stdout or output.stderr).strip().split("\n")[0]


def machine(root):
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo", encoding="utf-8") as file:
        memory = int(file.readline().split()[1]) // (1 << 20)
    system = "Linux"
    with open("/etc/os-release", encoding="utf-8") as file:
        for line in file:
            if line.startswith("PRETTY_NAME="):
                system = line.split("=", 1)[1].strip().strip('"')
    kind = first_line(["stat", "-f", "-c", "%T", root])
    return (
        f"{os.cpu_count()} processors ({model}), {memory} GiB, {system}, Linux {platform.release()}, scratch on {kind}, "
        f"load at the start {os.getloadavg()[0]:.1f}")


def bazel_version():
    # Debian's package prints no version itself.
    version = first_line(["dpkg-query", "-W", "-f", "${Version}", "bazel-bootstrap"])
    return f"Bazel {version}"


def versions(program):
    return ", ".join([
        first_line([program, "--version"]), first_line(["git", "--version"]), first_line(["bwrap", "--version"]),
        bazel_version(), first_line(["tar", "--version"]), f"ninja {first_line(['ninja', '--version'])}",
    ])


def render(lines, heading):
    out = [heading, "", "| # | what | n | martlet | peer | ratio | target | met |", "|---|---|---|---|---|---|---|---|"]
    for line in lines:
        met = {True: "yes", False: "**no**", None: ""}[line.met]
        out.append(
            f"| {line.row} | {line.what} | {line.count} | {line.ours} | {line.peer} | {line.ratio} | {line.target} "
            f"| {met} |")
    return "\n".join(out)
