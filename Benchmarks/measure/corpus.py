"""The workspaces that the benchmarks measure: made from a seed, the same on every machine."""

import math
import os
import random
import subprocess

WORDS = (
    "action artifact bundle cache digest edge file graph hash input key layer mount node output package query root "
    "sandbox tree update version walk yield"
).split()


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def text_of(source, size):
    """About `size` bytes of words in lines: compresses like source code."""
    lines = []
    length = 0
    while length < size:
        line = " ".join(source.choice(WORDS) + str(source.randrange(1000)) for _ in range(8))
        lines.append(line)
        length += len(line) + 1
    return ("\n".join(lines))[: max(size - 1, 0)] + "\n"


def commit(root):
    """Puts everything at `root` into a git repository with one commit of fixed author and date."""
    environment = dict(
        os.environ,
        GIT_AUTHOR_NAME="bench",
        GIT_AUTHOR_EMAIL="bench@example.invalid",
        GIT_AUTHOR_DATE="2026-01-01T00:00:00Z",
        GIT_COMMITTER_NAME="bench",
        GIT_COMMITTER_EMAIL="bench@example.invalid",
        GIT_COMMITTER_DATE="2026-01-01T00:00:00Z",
        GIT_CONFIG_GLOBAL="/dev/null",
    )
    for command in (["git", "init", "-q"], ["git", "add", "-A"], ["git", "commit", "-q", "-m", "corpus"]):
        subprocess.run(command, cwd=root, env=environment, check=True)


def generic(name, deps, sources, command, outputs):
    """One generic package as YAML. Leeway ignores the `martlet` key, so it could load these workspaces too."""
    lines = [f"  - name: {name}", "    type: generic"]
    if sources:
        lines += ["    srcs:"] + [f'      - "{glob}"' for glob in sources]
    if deps:
        lines += ["    deps:"] + [f"      - {dep}" for dep in deps]
    lines += ["    config:", "      commands:", f"        - {command}"]
    if outputs:
        lines += ["    martlet:", "      outputs:"] + [f"        - {path}" for path in outputs]
    return "\n".join(lines) + "\n"


def component(root, directory, packages):
    write(os.path.join(root, directory, "BUILD.yaml"), "packages:\n" + "".join(packages))


def workspace(root, default="//:all"):
    write(os.path.join(root, "WORKSPACE.yaml"), f"defaultTarget: {default}\nenvironmentManifest: []\n")


SHORT_COMMAND = '["sh", "-c", "echo done > out.txt"]'


def mono(root, packages=1000, files=50, seed=9):
    """`packages` packages with `files` files each, over 20 group directories and 12 layers, in git.

    Each depends on one package of the layer below it and on 0 to 4 of any earlier layer; the root depends on all.
    Sizes are log-normal, 16 B to 200 kB, about 4 KiB in the mean.
    """
    source = random.Random(seed)
    layers = 12
    names = [f"g{index % 20:02}/p{index:04}" for index in range(packages)]
    layer_of = [index * layers // packages for index in range(packages)]
    members = [[index for index in range(packages) if layer_of[index] == layer] for layer in range(layers)]
    for index, name in enumerate(names):
        deps = []
        if layer_of[index] > 0:
            deps.append(source.choice(members[layer_of[index] - 1]))
            earlier = members[layer_of[index]][0]
            deps += [source.randrange(earlier) for _ in range(source.randrange(5))]
        for number in range(files):
            folder = ("src", "src/internal", "test")[0 if number < 30 else 1 if number < 40 else 2]
            size = int(min(max(math.exp(7.5 + 1.2 * _normal(source)), 16), 200_000))
            write(os.path.join(root, name, folder, f"f{number:02}.txt"), text_of(source, size))
        component(
            root, name,
            [generic("lib", [f"{names[dep]}:lib" for dep in dict.fromkeys(deps)], ["src/**", "test/**"],
                     SHORT_COMMAND, ["out.txt"])])
    component(root, "", [generic("all", [f"{name}:lib" for name in names], [], SHORT_COMMAND, ["out.txt"])])
    workspace(root)
    commit(root)


def _normal(source):
    """One draw of the normal distribution, from uniform draws only, so that it is the same in every Python."""
    return sum(source.random() for _ in range(12)) - 6


def random_graph(root, packages=500, edges=3, seed=3):
    """A random graph without cycles: each package depends on `edges` earlier ones."""
    source = random.Random(seed)
    for index in range(packages):
        deps = sorted({source.randrange(index) for _ in range(edges)}) if index else []
        write(os.path.join(root, f"p{index:03}", "a.txt"), f"{index}\n")
        component(
            root, f"p{index:03}",
            [generic("lib", [f"p{dep:03}:lib" for dep in deps], ["*.txt"], SHORT_COMMAND, ["out.txt"])])
    workspace(root, f"p{packages - 1:03}:lib")
    commit(root)


def diamond(root, packages=48):
    """Pairs of packages, each of which depends on both packages of the pair before: 2^24 paths."""
    listing = []
    for index in range(packages):
        first = index // 2 * 2 - 2
        deps = [f":p{first:02}", f":p{first + 1:02}"] if first >= 0 else []
        listing.append(generic(f"p{index:02}", deps, ["*.txt"], SHORT_COMMAND, ["out.txt"]))
    write(os.path.join(root, "a.txt"), "a\n")
    component(root, "", listing)
    workspace(root, f"//:p{packages - 1:02}")
    commit(root)


def many_small(root, packages=2000, files=5, seed=5):
    """`packages` packages with `files` files of 1 kB each and no edges."""
    source = random.Random(seed)
    for index in range(packages):
        directory = f"g{index // 100:02}/p{index:04}"
        for number in range(files):
            write(os.path.join(root, directory, f"f{number}.txt"), text_of(source, 1000))
        component(root, directory, [generic("lib", [], ["*.txt"], SHORT_COMMAND, ["out.txt"])])
    workspace(root)
    commit(root)


def large_dependency(root, files=10_000, size=10_240):
    """A package that makes `files` files of `size` bytes, and two steps beside it: one depends on it, one does not.

    Half of the bytes are hexadecimal text and half are random, as in specs of other archives' measurements.
    """
    write(
        os.path.join(root, "big", "make.py"),
        "import os, random\n"
        "source = random.Random(1)\n"
        f"for index in range({files}):\n"
        "    folder = f'out/d{index // 100:03}'\n"
        "    os.makedirs(folder, exist_ok=True)\n"
        f"    half = source.randbytes({size // 2})\n"
        "    with open(f'{folder}/f{index:05}', 'wb') as file:\n"
        f"        file.write(half + half[: {size // 4}].hex().encode())\n")
    component(root, "big", [generic("lib", [], ["make.py"], '["python3", "make.py"]', ["out"])])
    for name, deps in (("with", ["big:lib"]), ("without", [])):
        write(os.path.join(root, name, "a.txt"), "0\n")
        component(root, name, [generic("lib", deps, ["a.txt"], SHORT_COMMAND, ["out.txt"])])
    workspace(root, "with:lib")
    commit(root)


def steps_of_one_file(root, steps=20):
    """`steps` packages, each with one step that is run anew whenever the one file of all of them changes."""
    write(os.path.join(root, "steps", "a.txt"), "0\n")
    component(
        root, "steps",
        [generic(f"s{index:02}", [], ["a.txt"], f'["sh", "-c", "echo {index} > out.txt"]', ["out.txt"])
         for index in range(steps)])
    workspace(root, "steps:s00")
    commit(root)


def one_line_actions(root, actions=1000):
    """`actions` packages without edges, each with one command of one line, and a root that depends on all."""
    listing = [
        generic(f"a{index:04}", [], [], f'["sh", "-c", "echo {index} > out.txt"]', ["out.txt"])
        for index in range(actions)
    ]
    component(root, "actions", listing)
    component(
        root, "",
        [generic("all", [f"actions:a{index:04}" for index in range(actions)], [], SHORT_COMMAND, ["out.txt"])])
    workspace(root)
    commit(root)


def bazel_actions(root, actions=1000):
    """The same actions as rules of Bazel."""
    write(os.path.join(root, "WORKSPACE"), "")
    rules = [
        f'genrule(name = "a{index:04}", outs = ["a{index:04}.txt"], cmd = "echo {index} > $@")'
        for index in range(actions)
    ]
    write(os.path.join(root, "BUILD"), "\n".join(rules) + "\n")
