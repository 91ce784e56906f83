"""quantize, train and evaluate: the program's commands as functions."""

from __future__ import annotations

import contextlib
import ctypes
import json
import logging
import os
import tempfile
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Literal, Mapping, Optional, Union

import numpy as np

from lacos import _words
from lacos._calls import Outcome, names_in_messages, renamed, run, settings_json
from lacos._data import data_files, tables_of
from lacos._encoder import SentenceEncoder, device_name
from lacos._hub import model_place
from lacos._library import LIBRARY, check, take_text
from lacos._progress import Steps, is_shown

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from lacos._train_settings import TrainSettings

Path = Union[str, "os.PathLike[str]"]
_LOG = logging.getLogger("lacos")


@dataclass(frozen=True)
class QuantizeReport:
    """What `quantize` did."""

    output: str
    bytes_before: int  # bytes of the tensors
    bytes_after: int
    relative_error: Dict[str, float]  # rms error / rms weight, by kind of tensor


@dataclass(frozen=True)
class TrainStep:
    """A step of a training run."""

    step: int
    total_steps: int
    epoch: int
    loss: Optional[float]  # None if it was not finite; such a step has no update
    learning_rate: float
    gradient_norm: Optional[float]  # before clipping
    tokens: int
    tokens_per_second: float
    seconds: float  # time since training began
    has_update: bool


@dataclass(frozen=True)
class DevScore:
    """Correlations of the dev pairs' similarities with their scores, times 100; None if undefined."""

    step: int
    spearman: Optional[float]
    pearson: Optional[float]


@dataclass(frozen=True)
class TrainReport:
    """What `train` did."""

    output: str
    steps: int
    bad_steps: int  # steps without an update
    tokens: int
    truncated: int
    seconds: float
    tokens_per_second: float
    loss_first: Optional[float]
    loss_last: Optional[float]
    strategy: str
    planned_peak_bytes: int
    interrupted: bool  # whether on_step ended the run early; resume=True goes on
    first: Optional[DevScore]  # None without `dev`
    best: Optional[DevScore]
    last: Optional[DevScore]


@dataclass(frozen=True)
class Evaluation:
    """The scores of a model."""

    tasks: List[Dict[str, Any]]  # a dict for each set: "task", "name", "n", its measures, "interval", ...
    average: Dict[str, Optional[float]]  # the mean of each measure, if all sets have one task
    aggregates: List[Dict[str, Any]]  # the averages of published tables
    notes: List[str] = field(default_factory=list)

    @property
    def measures(self) -> Dict[str, Optional[float]]:
        """The measures of the first set, times 100; None if undefined."""
        others = ("n", "truncated", "empty", "undefined_resamples", "identical_ids")
        return {name: value for name, value in self.tasks[0].items()
                if name not in others and (value is None or isinstance(value, (int, float))) and name != "overlap"}


@dataclass(frozen=True)
class EvaluationComparison:
    """The differences of two evaluations."""

    # A dict for each set and average that both have: "name", "convention", "measure", "n", "a", "b", "difference" (a - b),
    # "interval" of the difference, "p".
    comparisons: List[Dict[str, Any]]
    not_compared: List[str]  # sets that only one of them has, or whose items differ


def quantize(model: Path, output: Path, *, scheme: Literal["linear", "dynamic"] = "linear",
             block_size: Union[int, Literal["row"]] = "row", layout: Literal["lacos", "bitsandbytes"] = "lacos",
             keep_embedding: bool = False, base_name: Optional[str] = None, overwrite: bool = False,
             threads: Optional[int] = None, show_progress_bar: Optional[bool] = None, **unknown: Any) -> QuantizeReport:
    """Casts an original BLOOM folder to 8 bits, as `lacos quantize` does with flags of the same names.

    `model` is a folder, or a name on the Hugging Face hub if huggingface_hub is installed. The output appears when it
    is complete. Ctrl-C ends the work and leaves nothing behind.
    """
    place = model_place(model)
    if base_name is None and place != os.fspath(model):
        base_name = os.fspath(model)  # adapters then name the model, and not the place of its copy
    steps = Steps(is_shown(show_progress_bar), "quantizing", "bytes")

    def on_event(event: Mapping[str, Any]) -> None:
        if event["event"] == "progress":
            steps.start(event["total"])
            steps.reach(event["done"])
        else:
            _tell(event, {})

    settings = {"model": place, "output": output, "scheme": scheme, "block_size": block_size, "layout": layout,
                "keep_embedding": keep_embedding, "base_name": base_name, "overwrite": overwrite, "threads": threads, **unknown}
    with contextlib.closing(steps):
        outcome = run(LIBRARY.lacos_quantize, settings, on_event)
    _raise_if_interrupted(outcome, "quantize", "nothing was written")
    return QuantizeReport(output=os.fspath(output), **outcome.report)


def train(*, model: Path, train: Any, output: Path, dev: Any = None, base: Optional[Path] = None,
          adapter: Optional[Path] = None, overwrite: bool = False, threads: Optional[int] = None, device: Any = None,
          on_step: Optional[Callable[[TrainStep], Optional[bool]]] = None,
          on_dev_score: Optional[Callable[[DevScore], None]] = None, show_progress_bar: Optional[bool] = None,
          **settings: "Unpack[TrainSettings]") -> TrainReport:
    """Trains an adapter that makes a BLOOM embed sentences, as `lacos train` does with flags of the same names.

    `model` is an original BLOOM folder, a quantized one, a trained one whose adapter is trained further, or a name on
    the Hugging Face hub if huggingface_hub is installed. `train` is one of these, or a list of them: a file or folder of
    any form that the program reads, or of Parquet or Arrow; rows as dicts; a datasets.Dataset. `dev` are scored pairs in
    the same forms. Of a DatasetDict, the setting `split` is taken, which is "train" by default. `device` is that of
    SentenceEncoder. All other settings are in docs/settings.md.

    `on_step` is called after each step; if it returns False, the state is saved and the report has `interrupted`. Ctrl-C
    saves the state too, and raises a KeyboardInterrupt that says so. `resume=True` goes on from there.
    """
    given: Dict[str, Any] = dict(settings)
    scheme = given.get("label_scheme") in (None, "auto")
    split = given.get("split", "train")
    tables = tables_of("train", train)
    dev_tables = [] if dev is None else tables_of("dev", dev)[:1]
    steps = Steps(is_shown(show_progress_bar), "training", "steps")
    with contextlib.ExitStack() as stack:
        files = stack.enter_context(data_files(tables, split if isinstance(split, str) else "train", scheme))
        dev_files = stack.enter_context(data_files(dev_tables, None, False, allow_splits=False))
        names = {**files.names, **dev_files.names}
        stack.enter_context(names_in_messages(names))
        stack.enter_context(contextlib.closing(steps))
        place = model_place(model)

        def on_event(event: Dict[str, Any]) -> Optional[bool]:
            kind = event.pop("event")
            if kind == "start":
                steps.start(event["total_steps"], event["first_step"])
            elif kind == "step":
                steps.reach(event["step"])
                return on_step(TrainStep(**event)) if on_step is not None else None
            elif kind == "dev_score":
                event.pop("best")
                _LOG.info("step %s: dev Spearman %s, Pearson %s", event["step"], event["spearman"], event["pearson"])
                if on_dev_score is not None:
                    on_dev_score(DevScore(**event))
            else:
                _tell({"event": kind, **event}, names)
            return None

        outcome = run(LIBRARY.lacos_train, {
            "model": place, "train": files.paths, "dev": dev_files.paths[0] if dev_files.paths else None, "output": output,
            "base": None if base is None else model_place(base), "adapter": adapter, "overwrite": overwrite,
            "threads": threads, "device": device_name(device), **given}, on_event, names=names)
    report = outcome.report
    if outcome.interrupted and report["interrupted"]:
        raise KeyboardInterrupt(f"[train] Ctrl-C at step {report['steps']}; the state is saved in {os.fspath(output)}; "
                                "resume=True goes on from there")
    for name in ("first", "best", "last"):
        report[name] = DevScore(**report[name]) if report[name] else None
    return TrainReport(output=os.fspath(output), **report)


def evaluate(model: Union[Path, SentenceEncoder, None] = None, data: Any = None, *, task: _words.Task = "sts",
             suite: Union[str, List[str], None] = None, suite_folder: Optional[Path] = None,
             skip_missing: Optional[bool] = None, split: Optional[str] = None, train_data: Any = None,
             shots: Optional[int] = None, keep_identical_ids: Optional[bool] = None, prompt: Optional[str] = None,
             prompt_name: Optional[str] = None, query_prompt: Optional[str] = None, document_prompt: Optional[str] = None,
             similarity: Optional[_words.SimilarityFunction] = None, leak_check: Any = None,
             resamples: Optional[int] = None, confidence: Optional[float] = None, seed: Optional[int] = None,
             delimiter: Optional[str] = None, quoting: Optional[Literal["none", "csv"]] = None,
             replace_invalid: Optional[bool] = None, output: Optional[Path] = None, overwrite: bool = False,
             cache: Optional[Path] = None, embeddings: Any = None, about: Union[Path, Mapping[str, Any], None] = None,
             floor: Optional[Literal["word-overlap", "tf-idf"]] = None,
             show_progress_bar: Optional[bool] = None, **opening: Any) -> Evaluation:
    """Scores a model on data of your own or on published test sets, as `lacos eval` does with flags of the same names.

    `model` is an open SentenceEncoder, or what SentenceEncoder takes; further settings of SentenceEncoder, such as
    `compute`, `pooling` and `preset`, may then be given too. `data` is a file, a folder, rows as dicts, a
    datasets.Dataset, or a list of these; retrieval takes a folder in the layout of BEIR. `suite` and `suite_folder` name
    published sets that `lacos data prepare` made. `output` is a folder for report.html, results.json and what
    `compare_evaluations` needs; `overwrite` replaces an earlier one. `cache` is a folder where vectors are kept between
    calls.

    Instead of a model, other systems can be measured: `embeddings` is an array or .npy file with a row for each text of
    `evaluation_texts`, and `about` a dict or JSON file that says what made them; `floor` counts words.

    Ctrl-C ends the work and raises KeyboardInterrupt.
    """
    steps = Steps(is_shown(show_progress_bar), "embedding", "texts")
    notes: List[str] = []
    with contextlib.ExitStack() as stack:
        files = _EvaluationFiles(stack, task, split)
        paths, training = files.of("data", data), files.of("train_data", train_data)
        leaks = files.of("leak_check", leak_check)
        vectors, said = files.of_embeddings(embeddings), files.of_about(about)
        names = files.names
        stack.enter_context(names_in_messages(names))
        stack.enter_context(contextlib.closing(steps))

        def on_event(event: Mapping[str, Any]) -> None:
            if event["event"] == "progress":
                steps.start(event["total"])
                steps.reach(event["done"])
            else:
                notes.append(renamed(event["text"], names))
                _tell(event, names)

        settings = {"task": task, "data": paths or None, "suite": suite, "suite_folder": suite_folder,
                    "skip_missing": skip_missing, "split": split, "train_data": training[0] if training else None,
                    "shots": shots, "keep_identical_ids": keep_identical_ids, "prompt": prompt, "prompt_name": prompt_name,
                    "query_prompt": query_prompt, "document_prompt": document_prompt, "similarity": similarity,
                    "leak_check": leaks or None, "resamples": resamples, "confidence": confidence, "seed": seed,
                    "delimiter": delimiter, "quoting": quoting, "replace_invalid": replace_invalid,
                    "output": output, "overwrite": overwrite, "cache": cache, "embeddings": vectors, "about": said,
                    "floor": floor}
        with _opened(model, opening) as encoder:
            if encoder is not None and settings["similarity"] is None and encoder.similarity_was_chosen:
                settings["similarity"] = encoder.similarity_fn_name
            with contextlib.ExitStack() as use:
                handle = None if encoder is None else use.enter_context(encoder.in_use())
                outcome = run(LIBRARY.lacos_evaluate, settings, on_event, [handle], names)
    _raise_if_interrupted(outcome, "evaluate", "nothing was written")
    report = outcome.report
    return Evaluation(tasks=report["tasks"], average=report["average"], aggregates=report["aggregates"], notes=notes)


def evaluation_texts(data: Any = None, *, task: _words.Task = "sts", suite: Union[str, List[str], None] = None,
                     suite_folder: Optional[Path] = None, skip_missing: Optional[bool] = None, split: Optional[str] = None,
                     train_data: Any = None, delimiter: Optional[str] = None, quoting: Optional[Literal["none", "csv"]] = None,
                     replace_invalid: Optional[bool] = None) -> List[Dict[str, str]]:
    """The distinct texts of an evaluation, in the order in which `evaluate` takes `embeddings`.

    A dict has "text" and "role", which is "plain", "query" or "document". The arguments are those of `evaluate`.
    """
    with contextlib.ExitStack() as stack:
        files = _EvaluationFiles(stack, task, split)
        paths, training = files.of("data", data), files.of("train_data", train_data)
        stack.enter_context(names_in_messages(files.names))
        settings = {"task": task, "data": paths or None, "suite": suite, "suite_folder": suite_folder,
                    "skip_missing": skip_missing, "split": split, "train_data": training[0] if training else None,
                    "delimiter": delimiter, "quoting": quoting, "replace_invalid": replace_invalid}
        made = ctypes.c_void_p()
        check(LIBRARY.lacos_evaluation_texts(settings_json(settings), ctypes.byref(made)))
        texts: List[Dict[str, str]] = json.loads(take_text(made))
        return texts


class _EvaluationFiles:
    """The files of an evaluation. Those that are made of data in memory disappear with `stack`."""

    def __init__(self, stack: contextlib.ExitStack, task: str, split: Optional[str]) -> None:
        self._stack, self._task, self._split = stack, task, split
        self.names: Dict[str, str] = {}

    def of(self, name: str, tables: Any) -> List[str]:
        if tables is None:
            return []
        is_folder = self._task == "retrieval" and isinstance(tables, (str, os.PathLike))
        named = [(name, tables)] if is_folder else tables_of(name, tables)
        files = self._stack.enter_context(data_files(named, self._split or "test", self._task != "sts"))
        self.names.update(files.names)
        return files.paths

    def of_embeddings(self, embeddings: Any) -> Optional[str]:
        if embeddings is None or isinstance(embeddings, (str, os.PathLike)):
            return None if embeddings is None else os.fspath(embeddings)
        path = self._new_file("embeddings", ".npy")
        np.save(path, np.asarray(embeddings, dtype=np.float32))
        return path

    def of_about(self, about: Union[Path, Mapping[str, Any], None]) -> Optional[str]:
        if about is None or isinstance(about, (str, os.PathLike)):
            return None if about is None else os.fspath(about)
        path = self._new_file("about", ".json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(about, file)
        return path

    def _new_file(self, name: str, ending: str) -> str:
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="lacos-"))
        path = os.path.join(folder, name + ending)
        self.names[path] = name
        return path


def compare_evaluations(a: Path, b: Path, *, resamples: Optional[int] = None, confidence: Optional[float] = None,
                        seed: Optional[int] = None, output: Optional[Path] = None,
                        overwrite: bool = False) -> EvaluationComparison:
    """Compares two evaluations by their `output` folders, as `lacos eval --compare A B` does.

    The same items are drawn for both (paired bootstrap). `output` is a folder for a page about the comparison.
    """
    def on_event(event: Mapping[str, Any]) -> None:
        _tell(event, {})

    settings = {"resamples": resamples, "confidence": confidence, "seed": seed, "output": output, "overwrite": overwrite}
    outcome = run(LIBRARY.lacos_compare_evaluations, settings, on_event, [os.fsencode(a), os.fsencode(b)])
    _raise_if_interrupted(outcome, "compare_evaluations", "nothing was written")
    return EvaluationComparison(**outcome.report)


@contextlib.contextmanager
def _opened(model: Union[Path, SentenceEncoder, None], options: Dict[str, Any]) -> Iterator[Optional[SentenceEncoder]]:
    if model is None or isinstance(model, SentenceEncoder):
        if options:
            raise TypeError(f"evaluate() found {', '.join(options)} with {'an open' if model else 'no'} model; expected them "
                            "where one is opened")
        yield model
        return
    with SentenceEncoder(model, **options) as encoder:
        yield encoder


def _tell(event: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Passes on what the program would print: warnings as warnings, other lines to the logger "lacos"."""
    text = renamed(event["text"], names)
    if event["event"] == "warning":
        warnings.warn(text, stacklevel=6)
    else:
        _LOG.info("%s", text)


def _raise_if_interrupted(outcome: Outcome, what: str, left: str) -> None:
    if outcome.stopped and outcome.interrupted:
        raise KeyboardInterrupt(f"[{what}] Ctrl-C ended the work; {left}; call it again")
