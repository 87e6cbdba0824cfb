"""Measures martlet beside its peers and prints one table. Started by Benchmarks/run."""

import argparse
import os
import sys

import admission  # adds its row
import lineage  # adds its row
import log  # adds its row
import registry  # adds its row
import remote  # adds its row
import rows
import table
import verification  # adds its row
import images  # adds its row


def main():
    parser = argparse.ArgumentParser(prog="Benchmarks/run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 repetitions in place of 9")
    parser.add_argument("--only", action="append", choices=sorted(rows.ROWS), help="measure this row only; repeatable")
    parser.add_argument("--scratch", default=os.environ.get("MARTLET_BENCH_SCRATCH", "/var/tmp/martlet-bench"))
    parser.add_argument("--program", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--gitpod", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    scratch = os.path.abspath(options.scratch)
    os.makedirs(scratch, exist_ok=True)
    bench = rows.Bench(options.program, scratch, 3 if options.quick else 9, options.gitpod)
    heading = f"{table.machine(scratch)}\n\n{table.versions(options.program)}"
    lines = []
    failed = False
    for name in options.only or list(rows.ROWS):
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        try:
            lines += rows.ROWS[name](bench)
        except Exception as error:  # A row that fails must not take the others with it.
            failed = True
            print(f"{name}: {error}", file=sys.stderr)
            lines.append(table.Line("", name, 0, "failed", "", "", "", False))
    bench.close()
    print(table.render(lines, heading))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
