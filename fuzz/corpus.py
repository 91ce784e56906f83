#!/usr/bin/env python3
"""Reads and writes the committed inputs of the fuzz targets, fuzz/corpus/TARGET.zip, as {name: bytes}.

    fuzz/corpus.py add TARGET FILE...   puts inputs that the fuzzer found into a target's corpus, named by their hash
    fuzz/corpus.py list TARGET          names and bytes of a target's inputs

Members are sorted by name and stored uncompressed with one fixed date, so that equal inputs give equal files on every
machine, whatever its zlib; git compresses them. A build unpacks them into its folder seeds/TARGET.
"""

import hashlib
import pathlib
import sys
import zipfile

FOLDER = pathlib.Path(__file__).resolve().parent / "corpus"


def read(path):
    if not path.exists():
        return {}
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def write(path, inputs):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        for name in sorted(inputs):
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            member.create_system, member.external_attr = 3, 0o644 << 16
            file.writestr(member, inputs[name])


def found_name(data):
    """The name of an input that the fuzzer found: the first digits of its SHA-1, as in libFuzzer's own file names."""
    return hashlib.sha1(data).hexdigest()[:12]


def main():
    command, target, *files = sys.argv[1:] if len(sys.argv) > 2 else ("", "")
    path = FOLDER / f"{target}.zip"
    if not path.exists() or command not in ("add", "list"):
        sys.exit(__doc__)
    inputs = read(path)
    if command == "list":
        for name, data in inputs.items():
            print(f"{len(data):>8} {name}")
        return
    for file in files:
        data = pathlib.Path(file).read_bytes()
        if data not in inputs.values():
            inputs[found_name(data)] = data
    write(path, inputs)
    print(f"{path.name}: {len(inputs)} inputs")


if __name__ == "__main__":
    main()
