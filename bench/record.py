#!/usr/bin/env python3
"""Runs a command that prints one JSON object and keeps it as a result file with the machine it ran on.

    bench/record.py --kind breakdown-train --name breakdown-train-560m-int8 --machine-name epyc-2core-avx2 \\
        --setting "560m shape, 64 pairs" -- build/release/bin/lacos bench train --model DIR --breakdown --json --quiet
    bench/record.py --kind peers-train --name peers-train --machine-name ... --setting "..." \\
        --from result.json --command "bench/peers/bench_train.py --json result.json"
"""

import argparse
import json
import pathlib
import shlex
import subprocess
import sys

import result_files


def main():
    own, command = sys.argv[1:], []
    if "--" in own:
        own, command = own[:own.index("--")], own[own.index("--") + 1:]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", required=True, help="see bench/results/README.md")
    parser.add_argument("--name", required=True, help="the file's name after date and machine; also told apart by it")
    parser.add_argument("--machine-name", required=True, help="short name of the machine: epyc-2core-avx2")
    parser.add_argument("--setting", required=True, help="what was measured, for readers of the tables")
    parser.add_argument("--lacos", type=pathlib.Path, default=result_files.REPOSITORY / "build/release/bin/lacos")
    parser.add_argument("--from", dest="source", type=pathlib.Path, help="take this JSON file instead of running something")
    parser.add_argument("--command", help="with --from: the command that made it")
    parser.add_argument("--show", help="keep this command in the file instead (without a machine's paths)")
    parser.add_argument("--prefix", default="", help="words before the command when it runs: a wrapper that reserves the machine")
    parser.add_argument("--folder", type=pathlib.Path, default=result_files.RESULTS)
    options = parser.parse_args(own)
    if (options.source is None) == (not command) or (options.source and not options.command):
        parser.error("give either a command behind --, or --from FILE with --command LINE")
    if options.source:
        figures, line = json.loads(options.source.read_text(encoding="utf-8")), options.command
    else:
        run = subprocess.run(shlex.split(options.prefix) + command, stdout=subprocess.PIPE, text=True)
        if run.returncode != 0:
            sys.exit(f"record.py: status {run.returncode}: {shlex.join(command)}")
        figures, line = json.loads(run.stdout), options.show or command
    entry = result_files.result(options.kind, options.setting, line, figures, result_files.machine(options.lacos), options.name)
    path = options.folder / result_files.file_name(entry, options.machine_name)
    result_files.write(entry, path)
    print(path)


if __name__ == "__main__":
    main()
