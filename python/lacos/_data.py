"""Data that Python programs have, as files that the library reads: rows in memory, datasets, Parquet and Arrow."""

from __future__ import annotations

import contextlib
import json
import math
import os
import pathlib
import sys
import tempfile
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from lacos._library import InvalidArgumentError
from lacos._tables import is_foreign, read_rows

# A file or folder, rows as dicts, or a datasets.Dataset or pandas.DataFrame.
Table = Any
Row = Mapping[str, Any]


class DataFiles:
    """The files of a call, and what the caller calls those that were made for it."""

    def __init__(self) -> None:
        self.paths: List[str] = []
        self.names: Dict[str, str] = {}


@contextlib.contextmanager
def data_files(tables: Sequence[Tuple[str, Table]], split: Optional[str] = None, names_of_classes: bool = True,
               allow_splits: bool = True) -> Iterator[DataFiles]:
    """Files with the given tables, in their order. Files that were made disappear with the block.

    `tables` has the name of each for messages. `split` chooses a part of a DatasetDict. With `names_of_classes`,
    numbers of a ClassLabel become its names, which tell what they mean.
    """
    files = DataFiles()
    with contextlib.ExitStack() as stack:
        folder: Optional[str] = None
        for name, table in tables:
            if isinstance(table, (str, bytes, os.PathLike)) and not is_foreign(table):
                files.paths.append(os.fsdecode(table))
                continue
            rows = _rows(name, table, split, names_of_classes, allow_splits)
            if folder is None:
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="lacos-"))
            path = os.path.join(folder, f"{name}.jsonl")
            _write(name, rows, path)
            files.paths.append(path)
            files.names[path] = name if not isinstance(table, (str, bytes, os.PathLike)) else os.fsdecode(table)
        yield files


def tables_of(name: str, data: Any) -> List[Tuple[str, Table]]:
    """The tables in an argument that may be one table or a list of them, each with a name for messages."""
    if _is_table(data):
        return [(name, data)]
    if isinstance(data, (list, tuple)):
        if not data:
            raise InvalidArgumentError(f"[`{name}`] found an empty list; expected files, rows or a dataset; pass some")
        if isinstance(data[0], Mapping) or not all(_is_table(element) or isinstance(element, list) for element in data):
            return [(name, data)]
        return [(f"{name}[{i}]" if len(data) > 1 else name, element) for i, element in enumerate(data)]
    if isinstance(data, Mapping):
        raise InvalidArgumentError(f"[`{name}`] found one dict; expected a list of rows, which are dicts; put it in a list")
    if isinstance(data, Iterable):
        return [(name, data)]
    raise InvalidArgumentError(f"[`{name}`] found {type(data).__name__}; expected a file, a list of rows (dicts), a "
                               "datasets.Dataset, or a list of these; correct it")


def _datasets_kind(data: Any) -> str:
    """"Dataset", "IterableDataset", "DatasetDict", "IterableDatasetDict", or "" for anything else."""
    datasets = sys.modules.get("datasets")  # whoever has a dataset has imported it
    for kind in ("DatasetDict", "IterableDatasetDict", "Dataset", "IterableDataset"):
        if datasets is not None and isinstance(data, getattr(datasets, kind, ())):
            return kind
    return ""


def _is_frame(data: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


def _is_table(data: Any) -> bool:
    return isinstance(data, (str, bytes, os.PathLike)) or bool(_datasets_kind(data)) or _is_frame(data)


def _rows(name: str, table: Table, split: Optional[str], names_of_classes: bool, allow_splits: bool) -> Iterable[Row]:
    if isinstance(table, (str, bytes, os.PathLike)):
        return read_rows(pathlib.Path(os.fsdecode(table)))
    kind = _datasets_kind(table)
    if kind in ("DatasetDict", "IterableDatasetDict"):
        if not allow_splits or split not in table:
            found = ", ".join(map(repr, table))
            raise InvalidArgumentError(f"[`{name}`] found a {kind} with the splits {found}; expected one of them; pass "
                                       f"{name}=dataset[...]" + (", or set `split`" if allow_splits else ""))
        return _rows(name, table[split], None, names_of_classes, False)
    if kind:
        return _dataset_rows(name, table, names_of_classes)
    if _is_frame(table):
        rows: List[Row] = table.to_dict("records")
        return rows
    if isinstance(table, Iterable):
        return table
    raise InvalidArgumentError(f"[`{name}`] found {type(table).__name__}; expected rows, which are dicts; correct it")


def _dataset_rows(name: str, dataset: Any, names_of_classes: bool) -> Iterator[Row]:
    """The rows of a datasets.Dataset or IterableDataset, with the names of classes in place of their numbers."""
    features = dataset.features or {}
    classes: Dict[str, Any] = {}
    for column, feature in features.items():
        kind = type(feature).__name__
        if kind in ("Audio", "Image", "Video", "Pdf"):
            raise InvalidArgumentError(f"[`{name}`] has the column {column!r} of the kind {kind}; expected texts, numbers and "
                                       f"lists of texts; leave it out with dataset.remove_columns({column!r})")
        if kind == "ClassLabel" and names_of_classes:
            classes[column] = feature
    plain = dataset.with_format(None) if hasattr(dataset, "with_format") else dataset
    for row in plain:
        for column, feature in classes.items():
            value = row.get(column)
            if isinstance(value, int) and 0 <= value < feature.num_classes:
                row = {**row, column: feature.int2str(value)}
        yield row


def _write(name: str, rows: Iterable[Row], path: str) -> None:
    count = 0
    with open(path, "w", encoding="utf-8") as file:
        for row in rows:
            count += 1
            where = f"{name}: row {count}"
            if not isinstance(row, Mapping):
                raise InvalidArgumentError(f"[{where}] found {type(row).__name__}; expected a dict such as "
                                           "{'anchor': ..., 'positive': ...}; correct it")
            values = {_column(where, column): _value(where, column, value) for column, value in row.items()}
            line = json.dumps(values, ensure_ascii=False, allow_nan=False)
            try:
                file.write(line + "\n")
            except UnicodeEncodeError:
                raise InvalidArgumentError(f"[{where}] has a lone surrogate; expected Unicode text; replace it") from None
    if count == 0:
        raise InvalidArgumentError(f"[`{name}`] found no rows; expected some; check what made them")


def _column(where: str, column: Any) -> str:
    if isinstance(column, str):
        return column
    raise InvalidArgumentError(f"[{where}] has {column!r} as the name of a column; expected a str; correct it")


Json = Union[None, bool, int, float, str, List[Any], Dict[str, Any]]


def _value(where: str, column: str, value: Any) -> Json:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (list, tuple)):
        return [_value(where, column, element) for element in value]
    if isinstance(value, Mapping):
        return {_column(where, key): _value(where, column, element) for key, element in value.items()}
    if hasattr(value, "tolist"):  # arrays and numbers of numpy and torch
        return _value(where, column, value.tolist())
    raise InvalidArgumentError(f"[{where}] has {type(value).__name__} in the column {column!r}; expected a text, a number or a "
                               "list of texts; convert it, or leave the column out")
