"""Parquet and Arrow files, as datasets publishes and caches them, read by pyarrow."""

from __future__ import annotations

import json
import math
import os
import pathlib
from typing import Any, Dict, Iterator, List, Optional, Sequence, Union

from lacos._library import Error

_PARQUET, _ARROW_FILE = b"PAR1", b"ARROW1"


def read_rows(path: Union[str, "os.PathLike[str]"], columns: Optional[Sequence[str]] = None) -> Iterator[Dict[str, Any]]:
    """The rows of a Parquet or Arrow file, or of a folder of them in the order of their names, as dicts.

    Arrow files may be streams, as datasets caches them, or files. Only `columns` are read if they are given. Raises
    lacos.Error for a file of another kind, a damaged file, and a column that is not there.
    """
    for file in _files(pathlib.Path(path)):
        for batch in _batches(file, columns):
            yield from batch.to_pylist()


def read_texts(path: Union[str, "os.PathLike[str]"], column: str = "text") -> List[str]:
    """The texts in one column of a Parquet or Arrow file, or of a folder of them."""
    texts = []
    for i, row in enumerate(read_rows(path, [column])):
        if not isinstance(row[column], str):
            raise Error(f"[{path}: row {i + 1}] found {type(row[column]).__name__} in the column {column!r}; "
                        "expected a text; choose another column")
        texts.append(row[column])
    return texts


def write_json_lines(path: Union[str, "os.PathLike[str]"], output: Union[str, "os.PathLike[str]"],
                     columns: Optional[Sequence[str]] = None) -> int:
    """Writes the rows as JSON lines and returns their number. NaN becomes null. The file appears when it is whole."""
    target = pathlib.Path(output)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    count = 0
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            for row in read_rows(path, columns):
                values = {name: _json_value(f"{path}: row {count + 1}", name, value) for name, value in row.items()}
                file.write(json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n")
                count += 1
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return count


def _files(path: pathlib.Path) -> List[pathlib.Path]:
    if not path.exists():
        raise Error(f"[{path}] does not exist; expected a Parquet or Arrow file, or a folder of them; check the path")
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.rglob("*") if file.suffix in (".parquet", ".arrow", ".feather"))
    if not files:
        raise Error(f"[{path}] is a folder without .parquet or .arrow files; expected some; name the folder that holds them")
    return files


def _batches(file: pathlib.Path, columns: Optional[Sequence[str]]):
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise Error("[pyarrow] is not installed; expected it for Parquet and Arrow files; pip install pyarrow") from None
    with open(file, "rb") as opened:
        start = opened.read(6)
    try:
        if start.startswith(_PARQUET):
            source = pyarrow.parquet.ParquetFile(file)
            _require_columns(file, source.schema_arrow.names, columns)
            yield from source.iter_batches(columns=list(columns) if columns else None)
            return
        with pyarrow.memory_map(str(file)) as mapped:
            source = pyarrow.ipc.open_file(mapped) if start == _ARROW_FILE else pyarrow.ipc.open_stream(mapped)
            _require_columns(file, source.schema.names, columns)
            if start == _ARROW_FILE:
                batches = (source.get_batch(i) for i in range(source.num_record_batches))
            else:
                batches = iter(source)
            for batch in batches:
                yield batch.select(list(columns)) if columns else batch
    except (pyarrow.ArrowException, OSError) as problem:
        reason = " ".join(str(problem).split())
        raise Error(f"[{file}] could not be read: {reason}; expected an intact Parquet or Arrow file; check the file, or "
                    "download it again") from None


def _require_columns(file: pathlib.Path, names: Sequence[str], columns: Optional[Sequence[str]]) -> None:
    for column in columns or ():
        if column not in names:
            raise Error(f"[{file}] has the columns {', '.join(names)}; expected {column!r} among them; correct the name")


def _json_value(where: str, name: str, value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, list):
        return [_json_value(where, name, element) for element in value]
    if isinstance(value, dict):
        return {key: _json_value(where, name, element) for key, element in value.items()}
    if isinstance(value, bytes):
        raise Error(f"[{where}] has bytes in the column {name!r}; expected texts and numbers; choose the others with --columns")
    return str(value)  # dates and decimal numbers
