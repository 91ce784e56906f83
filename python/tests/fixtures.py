"""What the tests share: the bundled model, a sentence-transformers folder over it, and the program's vectors."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import numpy as np

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
MODEL = REPOSITORY / "examples/bloom-nano"
PROGRAM = pathlib.Path(os.environ.get("LACOS", REPOSITORY / "build/release/bin/lacos")).absolute()
TEXTS = ["A man plays a guitar.", "", "Someone makes music on a stage, in the rain.", "今天天气", "  blanks  ", "naïve 😀"]


def sentence_transformers_folder(folder: pathlib.Path) -> pathlib.Path:
    """Weighted mean, normalized, 75 tokens, prompts."""
    shutil.copytree(MODEL, folder)
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    write_json(folder / "modules.json", [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(modules)])
    modes = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")
    write_json(folder / "1_Pooling/config.json", {
        "word_embedding_dimension": 256, "include_prompt": True,
        **{f"pooling_mode_{mode}": mode == "weightedmean_tokens" for mode in modes}})
    (folder / "2_Normalize").mkdir()
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": 75, "do_lower_case": False})
    write_json(folder / "config_sentence_transformers.json", {
        "__version__": {"sentence_transformers": "6.2.0"}, "similarity_fn_name": "cosine", "default_prompt_name": None,
        "prompts": {"query": "Question: ", "document": "Text: ", "passage": "Passage: "}})
    return folder


def write_json(path: pathlib.Path, value) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


class ModelTest(unittest.TestCase):
    """Tests with a temporary folder."""

    @classmethod
    def setUpClass(cls) -> None:
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name)

    def assert_same_bytes(self, a: np.ndarray, b: np.ndarray) -> None:
        self.assertEqual((a.dtype, a.shape), (b.dtype, b.shape))
        self.assertEqual(a.tobytes(), b.tobytes())

    def embed(self, model: pathlib.Path, texts, *flags: str) -> np.ndarray:
        """What the program writes for these texts."""
        if not PROGRAM.is_file():
            self.skipTest(f"no program at {PROGRAM}: run 'make build', or name it with LACOS")
        source, output = self.folder / "texts.txt", self.folder / "vectors.npy"
        source.write_text("".join(text + "\n" for text in texts), encoding="utf-8")
        subprocess.run([PROGRAM, "embed", "--model", model, "--input", source, "--output", output, "--overwrite", "--quiet",
                        "--log-level", "error", *flags], check=True, stdout=subprocess.DEVNULL)
        return np.load(output)
