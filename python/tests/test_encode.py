"""SentenceEncoder.encode: the program's bytes, shapes, prompts, options, errors."""

import contextlib
import io
import json
import multiprocessing
import pickle
import sys
import unittest
import unittest.mock

import numpy as np

import lacos
from fixtures import MODEL, TEXTS, ModelTest, sentence_transformers_folder, write_json


class EncodeTest(ModelTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.trained = sentence_transformers_folder(cls.folder / "trained")
        cls.encoder = lacos.SentenceEncoder(cls.trained, compute="f32")
        cls.addClassCleanup(cls.encoder.close)

    def test_equals_the_program(self) -> None:
        cases = [
            (MODEL, {}, {}, []),
            (MODEL, {"compute": "f32", "threads": 1, "normalize": True}, {}, ["--compute", "f32", "--normalize"]),
            (MODEL, {"pooling": "last", "strip": True, "max_length": 5}, {"prompt": "So: "},
             ["--pooling", "last", "--strip", "--max-length", "5", "--prompt", "So: "]),
            (self.trained, {}, {"prompt_name": "query"}, ["--prompt-name", "query"]),
            (MODEL, {"prefix": "</s>", "suffix": "<pad>"}, {}, ["--prefix", "</s>", "--suffix", "<pad>"]),
            (self.trained, {}, {"truncate_dim": 9}, ["--truncate-dim", "9"]),
            (self.trained, {}, {"normalize_embeddings": False}, ["--no-normalize"]),
        ]
        for model, settings, options, flags in cases:
            with self.subTest(flags=flags), lacos.SentenceEncoder(model, **settings) as encoder:
                self.assert_same_bytes(encoder.encode(TEXTS, **options), self.embed(model, TEXTS, *flags))

    def test_similarity_of_the_folder(self) -> None:
        self.assertEqual(self.encoder.similarity_fn_name, "cosine")
        folder = sentence_transformers_folder(self.folder / "dot")
        path = folder / "config_sentence_transformers.json"
        write_json(path, json.loads(path.read_text()) | {"similarity_fn_name": "dot"})
        vectors = self.encoder.encode(TEXTS, normalize_embeddings=False)
        with lacos.SentenceEncoder(folder, compute="f32") as encoder:
            self.assertEqual(encoder.similarity_fn_name, "dot")
            self.assert_same_bytes(encoder.similarity(vectors, vectors), lacos.similarity(vectors, vectors, "dot"))
            encoder.similarity_fn_name = "euclidean"
            self.assertEqual(encoder.similarity_pairwise(vectors, vectors).tolist(), [0] * len(TEXTS))
            with self.assertRaisesRegex(ValueError, "found 'l2'"):
                encoder.similarity_fn_name = "l2"
        with lacos.SentenceEncoder(folder, compute="f32", similarity_fn_name="manhattan") as encoder:
            self.assertEqual(encoder.similarity_fn_name, "manhattan")

    def test_folders_settings(self) -> None:
        folder = sentence_transformers_folder(self.folder / "settings")
        path = folder / "config_sentence_transformers.json"
        write_json(path, json.loads(path.read_text()) | {"truncate_dim": 7, "what_is_this": 1})
        with self.assertWarnsRegex(UserWarning, "what_is_this"):
            encoder = lacos.SentenceEncoder(folder, compute="f32")
        with encoder:
            self.assertEqual(encoder.dimension, 7)
            whole = self.encoder.encode(TEXTS, normalize_embeddings=False)
            self.assert_same_bytes(encoder.encode(TEXTS, normalize_embeddings=False), np.ascontiguousarray(whole[:, :7]))
            self.assert_same_bytes(encoder.encode(TEXTS, truncate_dim=256), self.encoder.encode(TEXTS))
            self.assert_same_bytes(encoder.encode(TEXTS), self.embed(folder, TEXTS, "--compute", "f32"))

    def test_shapes(self) -> None:
        all_of_them = self.encoder.encode(TEXTS)
        self.assertEqual((all_of_them.shape, all_of_them.dtype), ((len(TEXTS), 256), np.float32))
        self.assert_same_bytes(self.encoder.encode(TEXTS[0]), all_of_them[0])
        self.assert_same_bytes(self.encoder.encode(TEXTS[:1]), all_of_them[:1])
        self.assert_same_bytes(self.encoder.encode(iter(TEXTS)), all_of_them)
        self.assert_same_bytes(self.encoder.encode(np.array(TEXTS)), all_of_them)
        self.assertEqual(self.encoder.encode([]).shape, (0, 256))
        self.assertEqual(self.encoder.encode([], truncate_dim=8).shape, (0, 8))
        as_list = self.encoder.encode(TEXTS, convert_to_numpy=False)
        self.assertIsInstance(as_list, list)
        self.assert_same_bytes(np.stack(as_list), all_of_them)
        self.assertEqual(self.encoder.encode("a\0b").shape, (256,))

    def test_batch_size_changes_no_result(self) -> None:
        expected = self.encoder.encode(TEXTS * 20, batch_size=1000)
        for size in (1, 7, 32, None):
            self.assert_same_bytes(self.encoder.encode(TEXTS * 20, batch_size=size), expected)

    def test_prompts(self) -> None:
        self.assertEqual(self.encoder.prompts, {"document": "Text: ", "passage": "Passage: ", "query": "Question: "})
        self.assertIsNone(self.encoder.default_prompt_name)
        expected = self.encoder.encode("Question: what?")
        self.assert_same_bytes(self.encoder.encode("what?", prompt_name="query"), expected)
        self.assert_same_bytes(self.encoder.encode("what?", prompt="Question: "), expected)
        self.assert_same_bytes(self.encoder.encode_query("what?"), expected)
        self.assert_same_bytes(self.encoder.encode_document(["what?"]), self.encoder.encode(["Text: what?"]))
        self.assert_same_bytes(self.encoder.encode_query("what?", prompt=""), self.encoder.encode("what?"))
        self.assertFalse(np.array_equal(self.encoder.encode("what?"), expected))

    def test_normalization(self) -> None:
        self.assertTrue(self.encoder.normalize)
        lengths = np.linalg.norm(self.encoder.encode(["one", "two"]).astype(np.float64), axis=1)
        np.testing.assert_allclose(lengths, 1, atol=1e-6)
        plain = self.encoder.encode("one", normalize_embeddings=False)
        self.assertGreater(abs(np.linalg.norm(plain) - 1), 1e-3)
        with lacos.SentenceEncoder(MODEL) as encoder:
            self.assertFalse(encoder.normalize)
            self.assertAlmostEqual(float(np.linalg.norm(encoder.encode("one", normalize_embeddings=True))), 1, places=6)

    def test_settings(self) -> None:
        encoder = self.encoder
        self.assertEqual((encoder.dimension, encoder.get_sentence_embedding_dimension()), (256, 256))
        self.assertEqual((encoder.max_seq_length, encoder.pooling), (75, "weighted_mean"))
        self.assertEqual((encoder.compute, encoder.strip), ("f32", False))
        self.assertGreaterEqual(encoder.threads, 1)
        self.assertIn(lacos.__version__, encoder.description)
        self.assertIn("trained", repr(encoder))
        with lacos.SentenceEncoder(self.trained, compute="f32") as other:
            other.max_seq_length = 2
            self.assertEqual(other.max_seq_length, 2)
            self.assertFalse(np.array_equal(other.encode(TEXTS[0]), encoder.encode(TEXTS[0])))
            with self.assertRaises(lacos.Error):
                other.max_seq_length = 0
            self.assertEqual(other.max_seq_length, 2)

    def test_errors(self) -> None:
        with self.assertRaisesRegex(lacos.Error, "nowhere"):
            lacos.SentenceEncoder("nowhere")
        for settings in ({"compute": "f64"}, {"pooling": "sum"}, {"threads": -1}, {"max_length": 0}, {"strip": 1},
                         {"batch_tokens": 0}, {"prefix": "a\0b"}):
            with self.subTest(**settings), self.assertRaisesRegex(lacos.InvalidArgumentError, next(iter(settings))):
                lacos.SentenceEncoder(MODEL, **settings)
        for options in ({"truncate_dim": 257}, {"truncate_dim": 0}, {"batch_size": 0}, {"normalize_embeddings": "yes"}):
            with self.subTest(**options), self.assertRaisesRegex(ValueError, next(iter(options))):
                self.encoder.encode(TEXTS, **options)
        for texts in (TEXTS, []):
            with self.assertRaisesRegex(lacos.Error, "titles"):
                self.encoder.encode(texts, prompt_name="titles")
        with self.assertRaisesRegex(lacos.Error, r"sentences\[1\]\] character 2 .* surrogate"):
            self.encoder.encode(["fine", "no\ud800"])
        with self.assertRaisesRegex(TypeError, r"sentences\[1\].*int"):
            self.encoder.encode(["fine", 1])
        with self.assertRaises(TypeError):
            self.encoder.encode(b"bytes")

    def test_closed(self) -> None:
        encoder = lacos.SentenceEncoder(MODEL)
        with encoder:
            encoder.encode("one")
        encoder.close()
        self.assertIn("closed", repr(encoder))
        with self.assertRaisesRegex(lacos.Error, "closed"):
            encoder.encode("one")

    def test_progress(self) -> None:
        with unittest.mock.patch.dict(sys.modules, {"tqdm": None, "tqdm.auto": None}):  # not installed
            with contextlib.redirect_stderr(io.StringIO()) as shown:
                self.encoder.encode(["text"] * 10, batch_size=4, show_progress_bar=True)
            for part in ("4/10", "8/10", "10/10"):
                self.assertIn(part, shown.getvalue())
            with contextlib.redirect_stderr(io.StringIO()) as shown:
                self.encoder.encode(["text"] * 10)
            self.assertEqual(shown.getvalue(), "")

    def test_other_processes(self) -> None:
        expected = self.encoder.encode(TEXTS)
        again = pickle.loads(pickle.dumps(self.encoder))
        self.addCleanup(again.close)
        self.assert_same_bytes(again.encode(TEXTS), expected)
        with multiprocessing.get_context("fork").Pool(1) as pool:
            self.assertRegex(pool.apply(_encode_inherited, (self.encoder._model,)), "fork")
            self.assert_same_bytes(pool.apply(_encode_anew, (str(self.trained), TEXTS)), expected)


def _encode_inherited(model: int) -> str:
    """In a child: with the parent's model there is an error, not a wait for ever."""
    encoder = lacos.SentenceEncoder.__new__(lacos.SentenceEncoder)
    lacos.SentenceEncoder.__init__(encoder, MODEL)
    own, encoder._model = encoder._model, model
    try:
        encoder.encode("one")
        return "no error"
    except lacos.Error as error:
        return str(error)
    finally:
        encoder._model = own
        encoder.close()


def _encode_anew(path: str, texts):
    with lacos.SentenceEncoder(path, compute="f32") as encoder:
        return encoder.encode(texts)


if __name__ == "__main__":
    unittest.main()
