"""Tables as rows: the forms that the library reads, and Parquet and Arrow files, which pyarrow reads."""

from __future__ import annotations

import ctypes
import json
import math
import os
import pathlib
from typing import Any, Dict, Iterator, List, Optional, Sequence, Union

from lacos._calls import settings_json
from lacos._library import LIBRARY, Error, check, take_text
from lacos._optional import optional

Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]

_PARQUET, _ARROW_FILE, _ARROW_STREAM = b"PAR1", b"ARROW1", b"\xff\xff\xff\xff"
_FOREIGN = (".parquet", ".arrow", ".feather")
_ROWS_AT_A_TIME = 512


def read_rows(path: Path, columns: Optional[Sequence[str]] = None, *, delimiter: Optional[str] = None,
              quoting: Optional[str] = None, replace_invalid: Optional[bool] = None) -> Iterator[Dict[str, Any]]:
    """The rows of a table as dicts: of a file, or of a folder of files in the order of their names.

    Tables are those that `lacos data inspect` recognizes (.tsv, .csv, .jsonl, .json, plain or compressed, or a folder of
    them), which the library reads: values are str, lists of str, or None, and the columns of a table without a header
    get their usual names. Parquet and Arrow files are read by pyarrow, whose values keep their types; Arrow files may be
    streams, as datasets caches them, or files. Only `columns` are given if they are named.

    Raises lacos.Error for a file of another kind, a damaged file, and a column that is not there.
    """
    if is_foreign(path):
        for file in _foreign_files(pathlib.Path(os.fsdecode(path))):
            for batch in _batches(file, columns):
                yield from batch.to_pylist()
        return
    settings = {"delimiter": delimiter, "quoting": quoting, "replace_invalid": replace_invalid}
    for row in _library_rows(path, settings):
        if columns is None:
            yield row
            continue
        for column in columns:
            if column not in row:
                raise Error(f"[{os.fsdecode(path)}] has the columns {', '.join(row)}; expected {column!r} among them; "
                            "correct the name")
        yield {column: row[column] for column in columns}


def read_texts(path: Path, column: str = "text") -> List[str]:
    """The texts in one column of a table that read_rows reads."""
    texts = []
    for i, row in enumerate(read_rows(path, [column])):
        if not isinstance(row[column], str):
            raise Error(f"[{os.fsdecode(path)}: row {i + 1}] found {type(row[column]).__name__} in the column {column!r}; "
                        "expected a text; choose another column")
        texts.append(row[column])
    return texts


def write_json_lines(path: Path, output: Path, columns: Optional[Sequence[str]] = None) -> int:
    """Writes the rows as JSON lines and returns their number. NaN becomes null. The file appears when it is whole."""
    target = pathlib.Path(os.fsdecode(output))
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    count = 0
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            for row in read_rows(path, columns):
                where = f"{os.fsdecode(path)}: row {count + 1}"
                values = {name: _json_value(where, name, value) for name, value in row.items()}
                file.write(json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n")
                count += 1
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return count


def is_foreign(path: Path) -> bool:
    """Whether pyarrow has to read the file or folder, by its first bytes or the names in it."""
    file = pathlib.Path(os.fsdecode(path))
    if file.is_dir():
        return any(inside.suffix in _FOREIGN for inside in file.rglob("*"))
    try:
        with open(file, "rb") as opened:
            start = opened.read(6)
    except OSError:  # the reader of the library says what is wrong
        return False
    return start.startswith((_PARQUET, _ARROW_STREAM)) or start == _ARROW_FILE or file.suffix in _FOREIGN


def _library_rows(path: Path, settings: Dict[str, Any]) -> Iterator[Dict[str, Any]]:
    rows = ctypes.c_void_p()
    check(LIBRARY.lacos_open_rows(os.fsencode(path), settings_json(settings), ctypes.byref(rows)))
    try:
        while True:
            made = ctypes.c_void_p()
            check(LIBRARY.lacos_next_rows(rows, _ROWS_AT_A_TIME, ctypes.byref(made)))
            some: List[Dict[str, Any]] = json.loads(take_text(made))
            if not some:
                return
            yield from some
    finally:
        LIBRARY.lacos_close_rows(rows)


def _foreign_files(path: pathlib.Path) -> List[pathlib.Path]:
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.rglob("*") if file.suffix in _FOREIGN)
    others = [file for file in path.rglob("*") if file.suffix in (".tsv", ".csv", ".jsonl", ".json.gz", ".jsonl.gz")]
    if others:
        raise Error(f"[{path}] has files of several kinds, such as {files[0].name} and {others[0].name}; expected the shards of "
                    "one table; name one file, or a folder with files of one kind")
    return files


def _batches(file: pathlib.Path, columns: Optional[Sequence[str]]) -> Iterator[Any]:
    pyarrow, parquet = optional("pyarrow"), optional("pyarrow.parquet")
    if parquet is None:
        raise Error(f"[{file}] is a Parquet or Arrow file, and pyarrow is not installed; expected it for these files; pip "
                    "install pyarrow")
    with open(file, "rb") as opened:
        start = opened.read(6)
    try:
        if start.startswith(_PARQUET):
            source = parquet.ParquetFile(file)
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
