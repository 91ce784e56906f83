"""Writes Parquet and Arrow files, as datasets publishes and caches them, as JSON lines, which the program reads:

    python3 -m lacos.convert train.parquet train.jsonl
    python3 -m lacos.convert folder/of/shards train.jsonl --columns anchor,positive

It needs pyarrow (pip install pyarrow), which comes with datasets.
"""

from __future__ import annotations

import argparse
import sys
from typing import Optional, Sequence

from lacos._library import Error
from lacos._tables import write_json_lines


def main(arguments: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python3 -m lacos.convert", description="Write Parquet or Arrow as JSON lines.")
    parser.add_argument("file", help="a .parquet or .arrow file, or a folder of them")
    parser.add_argument("output", help="the .jsonl file to write")
    parser.add_argument("--columns", help="the columns that are wanted, with commas between them (default: all)")
    given = parser.parse_args(arguments)
    try:
        count = write_json_lines(given.file, given.output, given.columns.split(",") if given.columns else None)
    except Error as error:
        print(f"lacos: error: {error}", file=sys.stderr)
        return 1
    print(f"{given.output}: {count} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
