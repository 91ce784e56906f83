#!/usr/bin/env python3
"""Prints a table of line coverage by folder and file, from a build of the preset `coverage` whose tests have run.

  tools/coverage.py [--build build/coverage] [--files] [--write]
    --files   lists every file, not only folders and critical files
    --write   writes the folders and the critical files into docs/reliability.md
"""

import argparse
import collections
import datetime
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- coverage table: begin -->", "<!-- coverage table: end -->"
GOAL = 95.0
# Critical files: code that reads untrusted input, and code that must not lose a run.
CRITICAL = {
    "parsers": """
        src/lacos/io/json.cc src/lacos/io/json_parse.cc src/lacos/io/json_write.cc src/lacos/io/pickle.cc src/lacos/io/torch_file.cc
        src/lacos/io/tensor_file.cc src/lacos/io/safetensors.cc src/lacos/io/npy.cc src/lacos/io/zip_directory.cc src/lacos/io/line_reader.cc
        src/lacos/io/byte_source.cc src/lacos/io/archive.cc src/lacos/io/paths.cc src/lacos/io/utf8.cc
        src/lacos/text/model_json.cc src/lacos/text/pipeline_json.cc src/lacos/text/pre_tokenizer_json.cc src/lacos/text/tokenizer_json.cc
        src/lacos/text/fast_model_scan.cc src/lacos/data/cells.cc src/lacos/data/rows.cc src/lacos/data/examples.cc src/lacos/data/scored_pairs.cc
        src/lacos/formats/bloom_config.cc src/lacos/formats/peft_config.cc src/lacos/formats/sentence_transformers.cc src/lacos/formats/weight_files.cc""",
    "checkpoints": """
        src/lacos/io/atomic_file.cc src/lacos/io/temporary.cc src/lacos/io/manifest.cc src/lacos/io/folder.cc src/lacos/io/posix.cc
        src/lacos/io/safetensors_writer.cc src/lacos/train/run/checkpoint.cc src/lacos/train/run/folder.cc src/lacos/train/run/output.cc
        src/lacos/train/run/identity.cc src/lacos/formats/base_weights.cc""",
}


def measure(build: pathlib.Path) -> dict[str, tuple[int, int]]:
    """(covered lines, all lines) of each source file below src and apps, including headers."""
    summary = subprocess.run(
        ["gcovr", "--root", ROOT, "--filter", f"{ROOT}/src/", "--filter", f"{ROOT}/apps/", "--exclude-unreachable-branches",
         "--gcov-ignore-parse-errors",  # negative counts from threads that count without locks (kernels)
         "-j", str(os.cpu_count()), "--json-summary", "-", build],
        check=True, stdout=subprocess.PIPE).stdout
    return {f["filename"]: (f["line_covered"], f["line_total"]) for f in json.loads(summary)["files"] if f["line_total"]}


def percent(covered: int, total: int) -> float:
    return 100 * covered / total


def table(files: dict[str, tuple[int, int]], all_files: bool) -> str:
    folders = collections.defaultdict(lambda: [0, 0])
    for name, counts in files.items():
        for folder in (str(pathlib.Path(name).parent), "all"):
            folders[folder] = [a + b for a, b in zip(folders[folder], counts)]
    rows = []
    for folder in sorted(folders, key=lambda f: (f == "all", f)):
        rows.append((folder, *folders[folder]))
        if all_files:
            rows += [("  " + pathlib.Path(n).name, *files[n]) for n in sorted(files) if str(pathlib.Path(n).parent) == folder]
    text = "| folder | lines | run by tests |\n|---|--:|--:|\n"
    return text + "".join(f"| {name} | {total} | {percent(covered, total):.1f} % |\n" for name, covered, total in rows)


def critical_table(files: dict[str, tuple[int, int]]) -> str:
    text = f"| must reach {GOAL:.0f} % | lines | run by tests |\n|---|--:|--:|\n"
    for group, names in CRITICAL.items():
        for name in names.split():
            if not (ROOT / name).exists():
                sys.exit(f"coverage.py: {name} is gone; expected the files of CRITICAL; correct the list")
            if name not in files:  # its tests were not built or not run
                text += f"| {group}: {name.removeprefix('src/lacos/')} | | not run |\n"
                continue
            covered, total = files[name]
            short = "" if percent(covered, total) >= GOAL else " (short)"
            text += f"| {group}: {name.removeprefix('src/lacos/')} | {total} | {percent(covered, total):.1f} %{short} |\n"
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "coverage")
    parser.add_argument("--files", action="store_true")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    files = measure(arguments.build)
    print(table(files, arguments.files))
    print(critical_table(files))
    if arguments.write:
        before, rest = DOCS.read_text().split(BEGIN)
        day = datetime.date.today().isoformat()
        DOCS.write_text(f"{before}{BEGIN}\n{day}, `make coverage`:\n\n{table(files, False)}\n{critical_table(files)}{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
