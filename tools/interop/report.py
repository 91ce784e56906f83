"""Code shared by the comparisons: running the program, measuring differences, and printing one table row per result."""

import argparse
import json
import logging as python_logging
import os
import pathlib
import subprocess
import sys
import traceback
import warnings

os.environ["HF_HUB_OFFLINE"] = "1"
REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
# The folder of published data and models that are too large for the repository. Comparisons that need them are skipped
# if it does not exist.
SHARED = pathlib.Path(os.environ.get("LACOS_SHARED", REPOSITORY.parent / "shared"))
COLUMNS = "{what:<72} {cases:>6} {largest:>12} {limit:>9}  {verdict}"


class Check:
    """The rows of one script. A row passes if its largest difference is at most the limit."""

    def __init__(self, lacos: pathlib.Path, work: pathlib.Path, threads: int):
        self.lacos, self.work, self.threads = lacos.resolve(), work.resolve(), threads
        self.failed = False
        self.work.mkdir(parents=True, exist_ok=True)

    def row(self, what: str, cases: int, largest: float, limit: float) -> None:
        passed = cases > 0 and largest <= limit  # NaN fails
        self.failed |= not passed
        print(COLUMNS.format(what=what, cases=cases, largest=f"{largest:.2e}", limit=f"{limit:.0e}",
                             verdict="ok" if passed else "FAILED"), flush=True)

    def attempt(self, what: str, function) -> None:
        """Runs one comparison. An exception is a failed row, and the other comparisons still run."""
        try:
            function()
        except Exception as error:  # a failure of a peer or of the program is a result
            self.failed = True
            print(COLUMNS.format(what=what, cases=0, largest="-", limit="-", verdict="FAILED: " + last_line(error)), flush=True)
            if os.environ.get("INTEROP_TRACE"):
                traceback.print_exc()

    def run(self, *arguments, compute: str | None = "f32") -> str:
        """Runs the program from the repository's root and returns its standard output."""
        command = [str(self.lacos), *map(str, arguments), "--threads", str(self.threads), "--quiet"]
        if compute:
            command += ["--compute", compute]
        result = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY)
        if result.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: status {result.returncode}: {last_line(result.stderr)}")
        return result.stdout

    def run_json(self, *arguments, **options):
        return json.loads(self.run(*arguments, "--json", **options))

    def embed(self, model: pathlib.Path, texts: list[str], *arguments, precision: str = "float32", **options):
        """The vectors of `texts` from `lacos embed` as an array [N, D]."""
        import numpy

        source, output = self.work / "texts.txt", self.work / "vectors.npy"
        write_lines(source, texts)
        output.unlink(missing_ok=True)  # so that an older result cannot be taken for this one
        self.run("embed", "--model", model, "--input", source, "--output", output, "--overwrite",
                 "--precision", precision, *arguments, **options)
        return numpy.load(output)


def last_line(text) -> str:
    lines = str(text).strip().splitlines()
    return lines[-1] if lines else type(text).__name__


def write_lines(path: pathlib.Path, lines: list[str]) -> None:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="\n")


def read_table(path: pathlib.Path) -> list[dict[str, str]]:
    lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    names = lines[0].split("\t")
    return [dict(zip(names, line.split("\t"), strict=True)) for line in lines[1:]]


def sentences() -> list[str]:
    return (REPOSITORY / "examples/data/sentences.txt").read_text(encoding="utf-8").rstrip("\n").split("\n")


def relative_difference(a, b) -> float:
    """max|a - b| / max|b| over the matrix, where b is the peer's."""
    import numpy

    assert a.shape == b.shape, (a.shape, b.shape)
    a, b = a.astype(numpy.float64), b.astype(numpy.float64)
    return float(numpy.abs(a - b).max() / numpy.abs(b).max())


def cosine_distance(a, b) -> float:
    """The largest 1 - cosine over the rows."""
    import numpy

    assert a.shape == b.shape, (a.shape, b.shape)
    a, b = a.astype(numpy.float64), b.astype(numpy.float64)
    norms = numpy.linalg.norm(a, axis=1) * numpy.linalg.norm(b, axis=1)
    return float((1 - (a * b).sum(axis=1) / norms).max())


def main(comparisons) -> None:
    """Runs comparisons, a list of (name, function of a Check)."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lacos", type=pathlib.Path, default=REPOSITORY / "build/release/bin/lacos")
    parser.add_argument("--work", type=pathlib.Path, default=REPOSITORY / "build/interop")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()

    warnings.simplefilter("ignore")
    import torch
    from transformers.utils import logging

    logging.set_verbosity_error()
    python_logging.getLogger("bitsandbytes").setLevel("ERROR")  # it logs a line for every product that casts its input
    logging.disable_progress_bar()
    torch.set_num_threads(options.threads)
    check = Check(options.lacos, options.work, options.threads)
    for what, function in comparisons:
        check.attempt(what, lambda: function(check))
    sys.exit(1 if check.failed else 0)


if __name__ == "__main__":
    print(COLUMNS.format(what="what", cases="cases", largest="largest", limit="limit", verdict="verdict"))
