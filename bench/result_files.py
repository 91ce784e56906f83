"""Result files: one JSON object a run, with what it ran on and how; bench/results/README.md says what is in them."""

import datetime
import json
import os
import pathlib
import re
import shlex
import subprocess

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
RESULTS = REPOSITORY / "bench" / "results"
NAME = re.compile(r"(\d{4}-\d{2}-\d{2})-[a-z0-9.-]+\.json")
# Those that decide how fast products are.
INSTRUCTION_SETS = ("avx2", "fma", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16",
                    "asimddp", "i8mm", "bf16", "sve")


def _output(*command):
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY)
        return result.stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _field(path, name):
    """The first `name : value` line of a file of /proc."""
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""
    found = re.search(rf"^{name}\s*:\s*(.*)$", text, re.M)
    return found[1] if found else ""


def _cpu():
    """The CPU's name; virtual machines hide an AMD's model, but its family tells the generation."""
    name = _field("/proc/cpuinfo", "model name") or "unknown"
    if not name.startswith("AMD"):
        return re.sub(r"\(R\)| Processor$", "", name)
    zen4 = "avx512f" in _field("/proc/cpuinfo", "flags").split()
    generation = {"23": "Zen 1 or 2", "25": "Zen 4" if zen4 else "Zen 3", "26": "Zen 5"}.get(_field("/proc/cpuinfo", "cpu family"))
    return f"{name} ({generation})" if generation else name


def machine(lacos):
    """What the measurement runs on; `lacos` is the program."""
    flags = (_field("/proc/cpuinfo", "flags") or _field("/proc/cpuinfo", "Features")).split()
    try:
        info = json.loads(_output(str(lacos), "bench", "ceiling", "--json", "--quiet"))
    except ValueError:
        info = {}
    system = pathlib.Path("/etc/os-release")
    named = re.search(r'^PRETTY_NAME="?([^"\n]*)', system.read_text(encoding="utf-8"), re.M) if system.exists() else None
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "instruction_sets": [name for name in INSTRUCTION_SETS if name in flags],
        "memory_bytes": int((_field("/proc/meminfo", "MemTotal") or "0").split()[0]) * 1024,
        "system": named[1] if named else "unknown",
        "compiler": (_output("c++", "--version") or "unknown").splitlines()[0],
        "ceilings": {mode: values["gflops"] for mode, values in info.get("modes", {}).items()},
        "gbytes_per_second": info.get("ceiling", {}).get("gbytes_per_second"),
    }


def _without_paths(value):
    """`value` with each absolute path in it cut to its last component: results say nothing of a machine's folders."""
    if isinstance(value, dict):
        return {key: _without_paths(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_paths(item) for item in value]
    return pathlib.PurePosixPath(value).name if isinstance(value, str) and value.startswith("/") else value


def result(kind, setting, command, figures, on, name, date=None):
    """The object of a result file. `command`: a list of words, or a line. `name` tells runs of one day and kind apart."""
    line = command if isinstance(command, str) else shlex.join(str(word) for word in command)
    return {
        "kind": kind,
        "date": date or datetime.date.today().isoformat(),
        "name": name,
        "setting": setting,
        "command": line.replace(f"{REPOSITORY}/", ""),
        "lacos": _output("git", "rev-parse", "--short=12", "HEAD") or "unknown",
        "machine": on,
        "figures": _without_paths(figures),
    }


def file_name(entry, machine_name):
    return f"{entry['date']}-{machine_name}-{entry['name']}.json"


def write(entry, path):
    pathlib.Path(path).write_text(json.dumps(entry, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(path):
    """A result file, checked to be one."""
    path = pathlib.Path(path)
    if not NAME.fullmatch(path.name):
        raise SystemExit(f"{path}: not a result file's name; expected DATE-MACHINE-NAME.json in lower case")
    entry = json.loads(path.read_text(encoding="utf-8"))
    missing = {"kind", "date", "name", "setting", "command", "lacos", "machine", "figures"} - entry.keys()
    if missing:
        raise SystemExit(f"{path}: lacks {', '.join(sorted(missing))}")
    return entry


def newest(kind, name=None, folder=RESULTS):
    """The newest result of a kind (and name): by the date in it, then by file name. None when there is none."""
    entries = [(path, read(path)) for path in sorted(folder.glob("*.json"))]
    chosen = [(entry["date"], path.name, entry) for path, entry in entries
              if entry["kind"] == kind and name in (None, entry["name"])]
    return max(chosen, key=lambda e: e[:2])[2] if chosen else None
