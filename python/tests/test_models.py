"""quantize, train and evaluate: the program's bytes, data of every form, Ctrl-C, errors."""

import contextlib
import gzip
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import unittest
import unittest.mock
import warnings

import numpy as np

import lacos
from fixtures import MODEL, PROGRAM, REPOSITORY, ModelTest

DATA = REPOSITORY / "examples/data"
PAIRS, DEV, TEST = DATA / "snli-cad-train.tsv.gz", DATA / "stsb-captions-dev.tsv", DATA / "stsb-captions-test.tsv"
SHORT = {"max_steps": 4, "batch_size": 8, "learning_rate": 2e-3, "compute": "f32"}
# Files that say when and how a run was made, and how long it took.
OF_THE_CALL = ("run.json", "lacos.json", "report.html", "metrics.jsonl")
ROWS = [{"anchor": f"A man plays the guitar number {i}.", "positive": f"Someone makes music, take {i}.",
         "negative": [f"A dog sleeps for {i} hours."]} for i in range(40)]


def flags_of(settings):
    flags = []
    for name, value in settings.items():
        flags += [f"--{name.replace('_', '-')}"] + ([] if value is True else [str(value)])
    return flags


class ModelsTest(ModelTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        if not PROGRAM.is_file():
            raise unittest.SkipTest(f"no program at {PROGRAM}: run 'make build', or name it with LACOS")
        # Where tests run in the background of a shell, SIGINT is ignored, and Python has not set its handler.
        handler = signal.signal(signal.SIGINT, signal.default_int_handler)
        cls.addClassCleanup(signal.signal, signal.SIGINT, handler)
        cls.base = cls.folder / "base"
        cls.report = lacos.quantize(MODEL, cls.base)

    def run_program(self, *arguments) -> str:
        done = subprocess.run([PROGRAM, *map(str, arguments), "--quiet", "--log-level", "error"], check=True,
                              stdout=subprocess.PIPE, text=True)
        return done.stdout

    def assert_same_folder(self, ours: pathlib.Path, theirs: pathlib.Path) -> None:
        def files(folder):
            return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*")
                    if file.is_file() and file.name not in OF_THE_CALL and not file.name.startswith("events.")
                    and "checkpoints" not in file.parts}

        ours_files, theirs_files = files(ours), files(theirs)
        self.assertEqual(sorted(ours_files), sorted(theirs_files))
        self.assertEqual([name for name, content in ours_files.items() if content != theirs_files[name]], [])
        self.assertEqual(sorted(file.name for file in ours.iterdir() if file.name in OF_THE_CALL),
                         sorted(file.name for file in theirs.iterdir() if file.name in OF_THE_CALL))

    def trained(self, name, **settings):
        output = self.folder / name
        report = lacos.train(output=output, show_progress_bar=False, **{"model": self.base, "train": PAIRS, **SHORT, **settings})
        return output, report

    def test_quantize_writes_the_programs_folder(self) -> None:
        self.assertLess(self.report.bytes_after, self.report.bytes_before)
        self.assertEqual(self.report.output, str(self.base))
        theirs = self.folder / "base-program"
        self.run_program("quantize", "--model", MODEL, "--output", theirs)
        self.assert_same_folder(self.base, theirs)
        other = self.folder / "base-64"
        lacos.quantize(str(MODEL), str(other), scheme="dynamic", block_size=64, keep_embedding=True, base_name="me/nano")
        theirs = self.folder / "base-64-program"
        self.run_program("quantize", "--model", MODEL, "--output", theirs, "--scheme", "dynamic", "--block-size", 64,
                         "--keep-embedding", "--base-name", "me/nano")
        self.assert_same_folder(other, theirs)

    def test_train_writes_the_programs_folder(self) -> None:
        cases = [
            (self.base, {"pooling": "weighted_mean", "dev": DEV}),
            (MODEL, {"normalize": True, "lora_rank": 4, "lora_target": "dense,query_key_value", "seed": 7}),
            (self.base, {"loss": "softmax", "max_length": 20, "gradient_strategy": "gradcache", "memory_budget": "900MB"}),
        ]
        for i, (model, settings) in enumerate(cases):
            with self.subTest(**settings):
                given = dict(settings)
                if "lora_target" in given:
                    given["lora_target"] = given["lora_target"].split(",")
                ours, report = self.trained(f"ours-{i}", model=model, **given)
                self.assertEqual((report.steps, report.interrupted), (4, False))
                theirs = self.folder / f"theirs-{i}"
                self.run_program("train", "--model", model, "--train", PAIRS, "--output", theirs,
                                 *flags_of({**SHORT, **settings}))
                self.assert_same_folder(ours, theirs)
                self.assertEqual(report.best is not None, "dev" in settings)

    def test_rows_are_trained_like_a_file(self) -> None:
        source = self.folder / "rows.jsonl"
        source.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
        theirs = self.folder / "rows-program"
        self.run_program("train", "--model", self.base, "--train", source, "--output", theirs, *flags_of(SHORT))
        arrays = [{"anchor": np.str_(row["anchor"]), "positive": row["positive"], "negative": np.array(row["negative"])}
                  for row in ROWS]
        for i, rows in enumerate((ROWS, [ROWS], tuple(ROWS), (row for row in ROWS), arrays)):
            ours, _ = self.trained(f"rows-{i}", train=rows)
            self.assert_same_folder(ours, theirs)

        both = self.folder / "both-program"
        self.run_program("train", "--model", self.base, "--train", PAIRS, source, "--output", both, *flags_of(SHORT))
        ours, _ = self.trained("both", train=[PAIRS, ROWS])
        self.assert_same_folder(ours, both)

    def test_parquet_is_trained_like_a_file(self) -> None:
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            self.skipTest("pyarrow is not installed")
        shards = self.folder / "shards"
        shards.mkdir()
        for i, part in enumerate((ROWS[:25], ROWS[25:])):
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(part), shards / f"train-{i}.parquet")
        ours, _ = self.trained("parquet", train=[shards])
        plain, _ = self.trained("parquet-rows", train=ROWS)
        self.assert_same_folder(ours, plain)

    def test_a_stopped_run_goes_on(self) -> None:
        whole, _ = self.trained("whole", max_steps=8)
        steps = []

        def stop_after_three(step: lacos.TrainStep) -> bool:
            steps.append(step.step)
            return step.step < 3

        output, report = self.trained("stopped", max_steps=8, on_step=stop_after_three)
        self.assertTrue(report.interrupted)
        self.assertGreaterEqual(report.steps, 3)
        self.assertEqual(steps, [1, 2, 3])
        _, report = self.trained("stopped", max_steps=8, resume=True)
        self.assertEqual((report.interrupted, report.steps), (False, 8))
        self.assert_same_folder(output, whole)

    def test_rows_resume_too(self) -> None:
        whole, _ = self.trained("rows-whole", train=ROWS, max_steps=6)
        output, report = self.trained("rows-stopped", train=ROWS, max_steps=6, on_step=lambda step: step.step < 2)
        self.assertTrue(report.interrupted)
        self.trained("rows-stopped", train=ROWS, max_steps=6, resume=True)
        self.assert_same_folder(output, whole)

    def test_an_exception_of_the_caller_is_raised(self) -> None:
        def fail(step: lacos.TrainStep) -> None:
            raise RuntimeError("mine")

        with self.assertRaisesRegex(RuntimeError, "mine"):
            self.trained("failed", on_step=fail)

    def test_ctrl_c_saves_and_stops(self) -> None:
        output = self.folder / "interrupted"
        program = (
            "import lacos, sys\n"
            f"lacos.train(model={str(self.base)!r}, train={str(PAIRS)!r}, output={str(output)!r}, max_steps=100000, batch_size=8,\n"
            "            on_step=lambda step: print(step.step, flush=True), resume='--resume' in sys.argv)\n")
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        reached = 0
        for arguments in ([], ["--resume"]):
            process = subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True, env=environment)
            first = int(process.stdout.readline())
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=120)
            self.assertEqual(process.returncode, -signal.SIGINT, errors)  # as for any KeyboardInterrupt
            self.assertIn(f"the state is saved in {output}; resume=True goes on", errors)
            saved = [int(folder.name.split("-")[-1]) for folder in output.glob("checkpoints/step-*")]
            self.assertTrue(saved, list(output.iterdir()))
            self.assertGreaterEqual(max(saved), first)
            self.assertGreater(first, reached)  # the second run goes on
            reached = max(saved)

    def test_ctrl_c_elsewhere(self) -> None:
        """The handler of the caller is back after a call, and Ctrl-C during quantize leaves nothing."""
        self.assertIs(signal.getsignal(signal.SIGINT), signal.default_int_handler)
        output = self.folder / "never"

        def press(*_: object, **__: object) -> None:
            os.kill(os.getpid(), signal.SIGINT)

        with unittest.mock.patch("lacos._progress.Steps.reach", press):
            with self.assertRaisesRegex(KeyboardInterrupt, "nothing was written"):
                lacos.quantize(MODEL, output, show_progress_bar=False)
        self.assertFalse(output.exists())
        self.assertIs(signal.getsignal(signal.SIGINT), signal.default_int_handler)

    def test_evaluate_gives_the_programs_scores(self) -> None:
        trained, _ = self.trained("for-scores", pooling="weighted_mean")
        report = json.loads(self.run_program("eval", "--model", trained, "--task", "sts", "--data", TEST, "--json"))
        result = lacos.evaluate(trained, TEST)
        for task in result.tasks:
            task["name"] = str(TEST)
        self.assertEqual(result.tasks, report["tasks"])
        self.assertEqual(result.average, report["average"])
        self.assertEqual(result.measures, {name: report["tasks"][0][name] for name in ("spearman", "pearson")})
        with lacos.SentenceEncoder(trained) as encoder:
            self.assertEqual(lacos.evaluate(encoder, [TEST, DEV]).tasks[0], result.tasks[0])
            rows = list(lacos.read_rows(TEST))
            self.assertEqual(lacos.evaluate(encoder, rows, task="sts").measures, result.measures)
        flags = ["--pooling", "last", "--compute", "f32", "--similarity", "dot", "--prompt", "So: ", "--resamples", 200]
        report = json.loads(self.run_program("eval", "--model", trained, "--data", TEST, "--json", *flags))
        result = lacos.evaluate(trained, TEST, pooling="last", compute="f32", similarity="dot", prompt="So: ", resamples=200)
        self.assertEqual(result.tasks, report["tasks"])

    def test_evaluate_other_tasks(self) -> None:
        beir = self.folder / "beir"
        beir.mkdir()
        texts = ["a guitar", "a dog", "rain on a roof", "a red car"]
        (beir / "corpus.jsonl").write_text("".join(json.dumps({"_id": f"d{i}", "title": "", "text": t}) + "\n"
                                                   for i, t in enumerate(texts)))
        (beir / "queries.jsonl").write_text("".join(json.dumps({"_id": f"q{i}", "text": t + "?"}) + "\n"
                                                    for i, t in enumerate(texts)))
        (beir / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(f"q{i}\td{i}\t1\n" for i in range(4)))
        report = json.loads(self.run_program("eval", "--model", MODEL, "--task", "retrieval", "--data", beir, "--json"))
        result = lacos.evaluate(MODEL, beir, task="retrieval")
        self.assertEqual(result.tasks, report["tasks"])
        rows = [{"text": f"{'music' if i % 2 else 'rain'} {i}", "label": i % 2} for i in range(24)]
        source = self.folder / "classes.jsonl"
        source.write_text("".join(json.dumps(row) + "\n" for row in rows))
        report = json.loads(self.run_program("eval", "--model", MODEL, "--task", "classification", "--data", source, "--json"))
        result = lacos.evaluate(MODEL, rows, task="classification")
        self.assertEqual(result.measures, {name: report["tasks"][0][name] for name in result.measures})
        self.assertEqual(result.tasks[0]["name"], "data")

    def test_evaluations_are_kept_and_compared_like_the_programs(self) -> None:
        folders = {pooling: (self.folder / f"results-{pooling}", self.folder / f"results-{pooling}-program")
                   for pooling in ("mean", "last")}
        for pooling, (ours, theirs) in folders.items():
            lacos.evaluate(MODEL, TEST, output=ours, pooling=pooling, resamples=200)
            self.run_program("eval", "--model", MODEL, "--data", TEST, "--output", theirs, "--pooling", pooling, "--resamples", 200)
            self.assertEqual(sorted(file.name for file in ours.iterdir()), sorted(file.name for file in theirs.iterdir()))
            for name in ("items.jsonl", "results.csv"):
                self.assertEqual((ours / name).read_bytes(), (theirs / name).read_bytes(), name)
            results = [json.loads((folder / "results.json").read_text()) for folder in (ours, theirs)]
            of_the_run = ("date", "embed_seconds", "ms_per_text", "tokens_per_second", "peak_rss_bytes", "rss_anon_bytes")
            systems = [{name: value for name, value in found.pop("system").items() if name not in of_the_run} for found in results]
            self.assertEqual(systems[0], systems[1])
            self.assertEqual(results[0], results[1])
            self.run_program("verify", ours)
        a, b = folders["mean"][0], folders["last"][0]
        found = lacos.compare_evaluations(a, str(b), resamples=200, output=self.folder / "comparison")
        report = json.loads(self.run_program("eval", "--compare", a, b, "--resamples", 200, "--json"))
        self.assertEqual((found.comparisons, found.not_compared), (report["comparisons"], report["not_compared"]))
        self.assertTrue((self.folder / "comparison/report.html").is_file())
        with self.assertRaisesRegex(lacos.Error, "already exists"):
            lacos.evaluate(MODEL, TEST, output=a)
        with self.assertRaisesRegex(lacos.Error, "results.json"):
            lacos.compare_evaluations(a, MODEL)
        with self.assertRaisesRegex(lacos.Error, "already exists"):
            lacos.compare_evaluations(a, b, output=self.folder / "comparison")

    def test_evaluations_of_rows_in_memory_can_be_compared(self) -> None:
        rows = [{"sentence1": f"song {i}", "sentence2": f"song {i * i}", "score": i % 6} for i in range(12)]
        for i in range(2):
            result = lacos.evaluate(MODEL, rows, output=self.folder / f"rows-results-{i}", resamples=100)
            self.assertEqual(result.tasks[0]["name"], "data")
        for file in (self.folder / "rows-results-0").iterdir():
            self.assertNotIn("lacos-", file.read_text().replace("https://", ""), file)  # the folder of the rows' file
        runs = [(self.folder / f"rows-results-{i}/run.json").read_bytes() for i in range(2)]
        self.assertEqual(runs[0], runs[1])
        found = lacos.compare_evaluations(self.folder / "rows-results-0", self.folder / "rows-results-1")
        self.assertEqual([(c["name"], c["n"], c["difference"]) for c in found.comparisons], [("data", 12, 0)])
        lacos.evaluate(MODEL, [rows, rows[:6]], output=self.folder / "rows-results-2", resamples=100)
        with self.assertRaisesRegex(lacos.Error, "no set in common"):  # their names differ
            lacos.compare_evaluations(self.folder / "rows-results-0", self.folder / "rows-results-2")

    def test_other_systems_are_measured(self) -> None:
        rows = [{"sentence1": f"song {i}", "sentence2": f"song {i * i}", "score": i % 6} for i in range(12)]
        texts = lacos.evaluation_texts(rows)
        self.assertEqual(texts[:2], [{"text": "song 0", "role": "plain"}, {"text": "song 1", "role": "plain"}])
        with lacos.SentenceEncoder(MODEL) as encoder:
            vectors = encoder.encode([text["text"] for text in texts])
            expected = lacos.evaluate(encoder, rows)
        about = {"model": "mine", "parameters": 7}
        found = lacos.evaluate(data=rows, embeddings=vectors, about=about, output=self.folder / "other")
        self.assertEqual(found.measures, expected.measures)
        system = json.loads((self.folder / "other/results.json").read_text())["system"]
        self.assertEqual((system["model"], system["parameters"]), ("mine", 7))
        np.save(self.folder / "other.npy", vectors)
        self.assertEqual(lacos.evaluate(data=rows, embeddings=self.folder / "other.npy").measures, expected.measures)
        report = json.loads(self.run_program("eval", "--floor", "tf-idf", "--data", TEST, "--json"))
        floor = lacos.evaluate(data=TEST, floor="tf-idf")
        self.assertEqual(floor.tasks, report["tasks"])
        with self.assertRaisesRegex(lacos.Error, r"\[embeddings\].*lacos_evaluation_texts"):
            lacos.evaluate(data=rows, embeddings=vectors[:-1])
        with self.assertRaisesRegex(lacos.Error, "more than one system"):
            lacos.evaluate(MODEL, rows, floor="tf-idf")
        with self.assertRaisesRegex(TypeError, "compute with no model"):
            lacos.evaluate(data=rows, floor="tf-idf", compute="f32")
        with self.assertRaisesRegex(lacos.InvalidArgumentError, r"\[model\]"):
            lacos.evaluate(data=rows)

    def test_vectors_are_kept_between_evaluations(self) -> None:
        cached = []
        for name in ("first", "second"):
            lacos.evaluate(MODEL, TEST, cache=self.folder / "cache", output=self.folder / f"cached-{name}", resamples=100)
            system = json.loads((self.folder / f"cached-{name}/results.json").read_text())["system"]
            cached.append((system["cached_texts"], system["embedded_texts"]))
        self.assertEqual(cached, [(0, system["texts"]), (system["texts"], 0)])
        scores = [(self.folder / f"cached-{name}/results.csv").read_bytes() for name in ("first", "second")]
        self.assertEqual(scores[0], scores[1])

    def test_records_of_calls(self) -> None:
        runs = []
        for i in range(2):
            output, _ = self.trained(f"recorded-{i}", train=ROWS, dev=None, pooling="mean")
            runs.append((output / "run.json").read_bytes())
        self.assertEqual(runs[0], runs[1])
        run = json.loads(runs[0])
        self.assertEqual((run["command"], run["function"], run["seed"]), ("train", "lacos_train", 42))
        self.assertEqual((run["call"]["train"], run["call"]["pooling"], run["call"]["max_steps"]), (["train"], "mean", 4))
        self.assertEqual([entry["path"] for entry in run["inputs"] if entry["role"] == "train"], ["train"])
        program = self.folder / "recorded-program"
        self.run_program("train", "--model", self.base, "--train", PAIRS, "--output", program, *flags_of(SHORT))
        theirs = json.loads((program / "run.json").read_text())
        self.assertEqual(set(theirs) - set(run), {"arguments", "flags"})
        self.assertEqual(set(run) - set(theirs), {"interface", "function", "call"})
        for name in ("lacos_version", "machine", "environment"):
            self.assertEqual(run[name], theirs[name], name)

    def test_progress(self) -> None:
        with unittest.mock.patch.dict(sys.modules, {"tqdm": None, "tqdm.auto": None}), \
                warnings.catch_warnings():  # tqdm is not installed
            warnings.simplefilter("ignore")  # the data have quotes in cells
            with contextlib.redirect_stderr(io.StringIO()) as shown:
                lacos.train(model=self.base, train=PAIRS, output=self.folder / "shown", show_progress_bar=True, **SHORT)
                lacos.evaluate(MODEL, TEST, show_progress_bar=True)
            self.assertIn("training 4/4 steps", shown.getvalue())
            self.assertRegex(shown.getvalue(), r"embedding (\d+)/\1 texts")
            with contextlib.redirect_stderr(io.StringIO()) as shown:  # neither a terminal nor a notebook
                lacos.train(model=self.base, train=PAIRS, output=self.folder / "hidden", **SHORT)
            self.assertEqual(shown.getvalue(), "")

    def test_wrong_settings(self) -> None:
        for settings, message in [
            ({"batch_sice": 8}, r"\[lacos_train\] found the unknown setting 'batch_sice'; .*did you mean 'batch_size'\?"),
            ({"quiet": True}, "unknown setting 'quiet'; expected one of adapter, base, batch_size"),
            ({"batch_size": "many"}, r"\[`batch_size`\] found \"many\"; expected a whole number; correct it"),
            ({"batch_size": 1}, r"\[`batch_size`\] found 1; expected a whole number from 2 to 1048576"),
            ({"batch_size": 8.5}, r"\[`batch_size`\] found 8.5; expected a whole number"),
            ({"learning_rate": float("nan")}, r"\[`learning_rate`\] found nan; expected a finite number"),
            ({"loss": "square"}, r"\[`loss`\] found 'square'; expected mnr, softmax"),
            ({"symmetric": "yes"}, r"\[`symmetric`\] found \"yes\"; expected true or false"),
            ({"lora_target": ["dense", "sparse"]}, r"\[`lora_target`\] found 'sparse'"),
            ({"memory_budget": "much"}, r"\[`memory_budget`\] found \"much\"; expected a number of bytes"),
            ({"delimiter": "::"}, r"\[`delimiter`\] found '::'; expected one ASCII character"),
            ({"seed": -1}, r"\[`seed`\] found -1; expected a whole number of at least 0"),
            ({"threads": 5000}, r"\[`threads`\] found 5000; expected a whole number from 0 to 4096"),
            ({"epochs": {}}, r"\[`epochs`\] found a value of the type dict"),
            ({"device": "tpu"}, r"\[`device`\] found 'tpu'; expected cpu, cuda"),
            ({"resume": True, "overwrite": True}, r"\[`resume`, `overwrite`\] both are set"),
            ({"train": self.folder / "absent.tsv"}, "absent.tsv.*No such file"),
            ({"model": self.folder / "absent"}, "absent. is no folder"),
            ({"lora_layers": "9-2"}, r"\[`lora_layers`\] found '9-2'"),
        ]:
            with self.subTest(**settings), self.assertRaisesRegex(lacos.Error, message):
                self.trained("wrong", **settings)
            self.assertFalse((self.folder / "wrong").exists())
        with self.assertRaisesRegex(lacos.Error, r"found the unknown setting 'blocksize'; .*did you mean 'block_size'"):
            lacos.quantize(MODEL, self.folder / "wrong", blocksize=64)
        with self.assertRaisesRegex(lacos.Error, r"\[`block_size`\] found \"all\"; expected 'row'"):
            lacos.quantize(MODEL, self.folder / "wrong", block_size="all")
        with self.assertRaisesRegex(lacos.Error, "already exists"):
            lacos.quantize(MODEL, self.base)
        with self.assertRaisesRegex(lacos.Error, r"\[`task`\] found 'stss'; expected sts, retrieval"):
            lacos.evaluate(MODEL, TEST, task="stss")
        with self.assertRaisesRegex(lacos.Error, r"\[`data`, `suite`\]"):
            lacos.evaluate(MODEL)
        with self.assertRaises(TypeError):
            lacos.evaluate(MODEL, TEST, splitt="test")

    def test_errors_in_rows_name_them(self) -> None:
        for rows, message in [
            ([{"anchor": "a", "positive": "b"}, {"anchor": "c"}], r"\[train: row 2\]"),
            ([{"anchor": "a", "positive": b"b"}], r"\[train: row 1\] has bytes in the column 'positive'"),
            ([{"anchor": "a", 1: "b"}], r"\[train: row 1\] has 1 as the name of a column"),
            ([("a", "b")], r"\[train: row 1\] found tuple; expected a dict"),
            ([{"anchor": "a", "positive": "\ud800"}], r"\[train: row 1\] has a lone surrogate"),
            ([], r"\[`train`\] found an empty list"),
            (({} for _ in ()), r"\[`train`\] found no rows"),
            ({"anchor": "a", "positive": "b"}, r"\[`train`\] found one dict"),
            (3, r"\[`train`\] found int"),
            ([{"question_title": "a", "label": 1}], r"\[train(: row 1)?\]"),
            ([PAIRS, [{"anchor": "a"}]], r"\[train\[1\](: row 1)?\]"),
        ]:
            with self.subTest(rows=rows), self.assertRaisesRegex(lacos.Error, message):
                self.trained("wrong", train=rows)
        with self.assertRaisesRegex(lacos.Error, r"\[dev: row 1\]|\[dev\]"):
            self.trained("wrong", dev=[{"sentence1": "a", "sentence2": "b", "score": "high"}])


class RowsTest(ModelTest):
    """Tables that the library reads for Python."""

    def write(self, name: str, content) -> pathlib.Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    def test_every_form(self) -> None:
        expected = [{"anchor": "a man", "positive": "someone"}, {"anchor": "naïve", "positive": "ingénu, oui"}]
        forms = {
            "rows.tsv": "anchor\tpositive\na man\tsomeone\nnaïve\tingénu, oui\n",
            "rows.tsv.gz": "anchor\tpositive\na man\tsomeone\nnaïve\tingénu, oui\n",
            "rows.csv": 'anchor,positive\na man,someone\nnaïve,"ingénu, oui"\n',
            "rows.jsonl": "".join(json.dumps(row) + "\n" for row in expected),
            "rows.jsonl.gz": "".join(json.dumps(row) + "\n" for row in expected),
            "rows.json": json.dumps(expected, indent=2),
            "columns.json": json.dumps({name: [row[name] for row in expected] for name in expected[0]}),
            "headerless.tsv": "a man\tsomeone\nnaïve\tingénu, oui\n",
        }
        for name, content in forms.items():
            rows = list(lacos.read_rows(self.write(name, content)))
            names = dict(zip(rows[0], ("anchor", "positive")))
            self.assertEqual([{names[key]: value for key, value in row.items()} for row in rows], expected, name)
        for i in range(2):
            self.write(f"shards/part-{i}.jsonl", json.dumps(expected[i]) + "\n")
        self.assertEqual(list(lacos.read_rows(self.folder / "shards")), expected)
        self.assertEqual(list(lacos.read_rows(str(self.folder / "rows.csv"), ["positive"])),
                         [{"positive": row["positive"]} for row in expected])
        self.assertEqual(lacos.read_texts(self.folder / "rows.tsv", "anchor"), ["a man", "naïve"])
        odd = self.write("odd.txt", "anchor;positive\n'a';b\n")
        self.assertEqual(list(lacos.read_rows(odd, delimiter=";")), [{"anchor": "'a'", "positive": "b"}])

    def test_values(self) -> None:
        path = self.write("values.jsonl", '{"a": 1.50, "b": null, "c": ["x", "y"], "d": true}\n{"a": "t", "e": "new"}\n')
        self.assertEqual(list(lacos.read_rows(path)), [{"a": "1.50", "b": None, "c": ["x", "y"], "d": "true", "e": None},
                                                       {"a": "t", "b": None, "c": None, "d": None, "e": "new"}])
        many = self.write("many.tsv", "text\n" + "".join(f"text {i}\n" for i in range(3000)))
        self.assertEqual(lacos.read_texts(many), [f"text {i}" for i in range(3000)])
        self.assertEqual(list(lacos.read_rows(self.write("empty.tsv", ""))), [])
        rows = lacos.read_rows(many)
        next(rows)
        rows.close()  # a reader that is left early is released

    def test_errors(self) -> None:
        with self.assertRaisesRegex(lacos.Error, r"short.tsv:3\]"):
            list(lacos.read_rows(self.write("short.tsv", "a\tb\n1\t2\n1\n")))
        with self.assertRaisesRegex(lacos.Error, "has the columns a, b; expected 'text' among them"):
            lacos.read_texts(self.write("named.tsv", "a\tb\n1\t2\n"))
        with self.assertRaisesRegex(lacos.Error, "UTF-8"):
            list(lacos.read_rows(self.write("latin.tsv", b"text\nna\xefve\n")))
        replaced = next(lacos.read_rows(self.folder / "latin.tsv", replace_invalid=True))
        self.assertEqual(replaced, {"text": "na\ufffdve"})
        with self.assertRaisesRegex(lacos.Error, "xz"):
            list(lacos.read_rows(self.write("packed.tsv", b"\xfd7zXZ\x00\x00\x04")))
        with self.assertRaisesRegex(lacos.Error, r"list with other values"):
            list(lacos.read_rows(self.write("nested.jsonl", '{"a": ["x", {"y": 1}]}\n')))
        with self.assertRaisesRegex(lacos.Error, "No such file"):
            list(lacos.read_rows(self.folder / "absent.tsv"))


if __name__ == "__main__":
    unittest.main()
