"""Expressions of policies against an independent evaluator, cel-python."""
import json
import random
import subprocess
import sys

import celpy

VARIABLES = {
    "a": {"b": {"c": 3, "d": "text"}, "list": [1, 2, 3], "names": ["x", "yy", "zzz"], "empty": [], "t": True},
    "n": 7,
    "s": "hello world",
}


def atoms(rng):
    return {
        "int": ["0", "1", "2", "-3", "n", "a.b.c", "size(a.list)", "a.list[1]", "size(s)"],
        "double": ["0.5", "2.0", "-1.25", "1e3"],
        "string": ["'hello'", "s", "a.b.d", "a.names[2]", "''", "string(n)"],
        "bool": ["true", "false", "a.t", "has(a.b)", "has(a.z)", "'b' in a", "2 in a.list"],
        "list": ["a.list", "[1, 2]", "a.empty", "[n, 0]"],
        "bad": ["a.z", "(1 / 0)", "a.list[9]", "(1 + 'x')", "('a' < 1)"],
    }


def make(rng, kind, depth):
    known = atoms(rng)
    if depth == 0 or rng.random() < 0.15:
        if rng.random() < 0.03:
            return rng.choice(known["bad"])
        return rng.choice(known[kind])
    sub = lambda k: make(rng, k, depth - 1)
    if kind == "int":
        return rng.choice([
            lambda: f"({sub('int')} {rng.choice('+-*')} {sub('int')})",
            lambda: f"({sub('int')} {rng.choice('/%')} {sub('int')})",
            lambda: f"({sub('bool')} ? {sub('int')} : {sub('int')})",
            lambda: f"size({sub('list')})",
            lambda: f"-({sub('int')})",
        ])()
    if kind == "double":
        return f"({sub('double')} {rng.choice('+-*')} {sub('double')})"
    if kind == "string":
        return rng.choice([lambda: f"({sub('string')} + {sub('string')})", lambda: f"({sub('bool')} ? {sub('string')} : {sub('string')})"])()
    if kind == "list":
        return rng.choice([
            lambda: f"{sub('list')}.map(i, i * 2)",
            lambda: f"{sub('list')}.filter(i, i > {sub('int')})",
            lambda: f"({sub('list')} + {sub('list')})",
            lambda: f"[{sub('int')}, {sub('int')}]",
        ])()
    # cel-python's joined texts are no texts of its own and have no methods, so these are called on others.
    text = rng.choice(known["string"])
    comparison = rng.choice(["==", "!=", "<", "<=", ">", ">="])
    return rng.choice([
        lambda: f"({sub('int')} {comparison} {sub('int')})",
        lambda: f"({sub('string')} {comparison} {sub('string')})",
        lambda: f"({sub('double')} {comparison} {sub('double')})",
        lambda: f"({sub('bool')} {rng.choice(['&&', '||'])} {sub('bool')})",
        lambda: f"!({sub('bool')})",
        lambda: f"({sub('int')} in {sub('list')})",
        lambda: f"{sub('list')}.{rng.choice(['all', 'exists', 'exists_one'])}(i, i {comparison} {sub('int')})",
        lambda: f"{text}.{rng.choice(['contains', 'startsWith', 'endsWith'])}({sub('string')})",
        lambda: f"{text}.matches('^[a-z ]+$')",
        lambda: f"({sub('list')} == {sub('list')})",
    ])()


def plain(value):
    if isinstance(value, celpy.celtypes.BoolType) or isinstance(value, bool):
        return bool(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    raise TypeError(type(value))


def main(martlet, count):
    rng = random.Random(20260101)
    kinds = ["bool", "int", "string", "list", "double"]
    sources = [make(rng, rng.choice(kinds), 4) for _ in range(count)]
    lines = "".join(json.dumps({"expression": source, "variables": VARIABLES}) + "\n" for source in sources)
    run = subprocess.run([martlet, "policy", "evaluate", "--lines"], input=lines, capture_output=True, text=True, check=True)
    ours = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(ours) == count, (len(ours), count)
    environment = celpy.Environment()
    activation = celpy.json_to_cel(VARIABLES)
    failures = errors = alone = 0
    for source, got in zip(sources, ours):
        try:
            expected = plain(environment.program(environment.compile(source)).evaluate(activation))
        except Exception:
            expected = None
        if expected is None:
            errors += 1
            # cel-python lets no other side of && and || decide where a macro fails; the specification does.
            same = True
            alone += "error" not in got
        else:
            same = "value" in got and got["value"] == expected and isinstance(got["value"], bool) == isinstance(expected, bool)
        if not same:
            failures += 1
            if failures <= 20:
                print(f"expressions: {source}\n  cel-python {expected!r}, martlet {got}")
    print(
        f"expressions: {count} expressions, {errors} without a value, {failures} differ, "
        f"{alone} have a value with martlet alone"
    )
    return 1 if failures or alone > count // 100 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 2000))
