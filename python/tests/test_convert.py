"""Parquet and Arrow files, which Python reads and the program names. They need pyarrow, and are skipped without it."""

import contextlib
import io
import json
import pathlib
import subprocess
import tempfile
import unittest

import lacos
import lacos.convert
from fixtures import PROGRAM

try:
    import pyarrow
    import pyarrow.parquet
except ImportError:
    pyarrow = None

ROWS = [
    {"anchor": "a man", "positive": "someone", "negative": ["a dog", "a cat"], "label": 0.0},
    {"anchor": "naïve", "positive": "ingénu", "negative": [], "label": None},
]


@unittest.skipIf(pyarrow is None, "pyarrow is not installed")
class ConvertTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        table = pyarrow.Table.from_pylist(ROWS)
        pyarrow.parquet.write_table(table, self.folder / "train.parquet")
        with pyarrow.ipc.new_file(self.folder / "file.arrow", table.schema) as writer:
            writer.write_table(table)
        with pyarrow.ipc.new_stream(self.folder / "stream.arrow", table.schema) as writer:
            writer.write_table(table)

    def test_every_form_gives_the_rows(self) -> None:
        for name in ("train.parquet", "file.arrow", "stream.arrow"):
            self.assertEqual(list(lacos.read_rows(self.folder / name)), ROWS, name)
        self.assertEqual(list(lacos.read_rows(self.folder)), ROWS * 3)
        self.assertEqual(lacos.read_texts(self.folder / "train.parquet", "anchor"), ["a man", "naïve"])

    def test_the_program_reads_what_is_written(self) -> None:
        output = self.folder / "train.jsonl"
        self.assertEqual(lacos.convert.write_json_lines(self.folder / "train.parquet", output, ["anchor", "positive", "negative"]), 2)
        self.assertEqual([json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()],
                         [{k: row[k] for k in ("anchor", "positive", "negative")} for row in ROWS])
        done = subprocess.run([PROGRAM, "data", "inspect", output, "--json"], capture_output=True, check=True)
        report = json.loads(done.stdout)
        self.assertEqual((report["examples"], report["negatives"]), (2, 2))

    def test_the_program_names_the_format_and_the_way_out(self) -> None:
        for name, word in (("train.parquet", "Parquet"), ("file.arrow", "Arrow"), ("stream.arrow", "Arrow")):
            done = subprocess.run([PROGRAM, "data", "inspect", self.folder / name], capture_output=True, text=True)
            self.assertEqual(done.returncode, 1)
            self.assertIn(word, done.stderr)
            self.assertIn("python3 -m lacos.convert", done.stderr)

    def test_errors_name_file_and_column(self) -> None:
        with self.assertRaisesRegex(lacos.Error, r"train.parquet\] has the columns .*expected 'text'"):
            lacos.read_texts(self.folder / "train.parquet")
        with self.assertRaisesRegex(lacos.Error, r"row 1\] found float in the column 'label'"):
            lacos.read_texts(self.folder / "train.parquet", "label")
        damaged = self.folder / "damaged.parquet"
        damaged.write_bytes((self.folder / "train.parquet").read_bytes()[:-20])
        with self.assertRaisesRegex(lacos.Error, r"damaged.parquet\] could not be read"):
            list(lacos.read_rows(damaged))
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors):
            self.assertEqual(lacos.convert.main([str(self.folder / "absent"), str(self.folder / "out.jsonl")]), 1)
        self.assertIn("No such file", errors.getvalue())
        self.assertFalse((self.folder / "out.jsonl").exists())


if __name__ == "__main__":
    unittest.main()
