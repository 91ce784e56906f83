"""SentenceEncoder.encode: the program's bytes, shapes, prompts, options, errors."""

import contextlib
import io
import json
import multiprocessing
import pickle
import sys
import unittest
import unittest.mock
import warnings

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
            (self.trained, {}, {"normalize_embeddings": False}, []),  # adds nothing to what the folder does
            (self.trained, {"normalize": False}, {}, ["--no-normalize"]),
            (MODEL, {}, {"normalize_embeddings": True}, ["--normalize"]),
            (MODEL, {"preset": "sgpt-bloom"}, {"prompt_name": "query"}, ["--preset", "sgpt-bloom", "--prompt-name", "query"]),
            (MODEL, {"preset": "bloomz-retriever"}, {}, ["--preset", "bloomz-retriever"]),
            (self.trained, {"truncate_dim": 9}, {}, ["--truncate-dim", "9"]),
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
            with lacos.SentenceEncoder(self.trained, compute="f32", normalize=False) as plain, \
                    warnings.catch_warnings():
                warnings.simplefilter("ignore")
                cut = lacos.SentenceEncoder(folder, compute="f32", normalize=False)
                self.assert_same_bytes(cut.encode(TEXTS), np.ascontiguousarray(plain.encode(TEXTS)[:, :7]))
                cut.close()
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
        self.assert_same_bytes(self.encoder.encode("one", normalize_embeddings=False), self.encoder.encode("one"))
        with lacos.SentenceEncoder(self.trained, compute="f32", normalize=False) as plain:
            self.assertGreater(abs(np.linalg.norm(plain.encode("one")) - 1), 1e-3)
            self.assert_same_bytes(plain.encode("one", normalize_embeddings=True), self.encoder.encode("one"))
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
        with self.assertRaisesRegex(lacos.Error, r"inputs\[1\]\] character 2 .* surrogate"):
            self.encoder.encode(["fine", "no\ud800"])
        with self.assertRaisesRegex(TypeError, r"inputs\[1\].*int"):
            self.encoder.encode(["fine", 1])
        with self.assertRaises(TypeError):
            self.encoder.encode(b"bytes")
        for wrong in ({"text": "a"}, 5):
            with self.assertRaisesRegex(TypeError, "expected a str or an iterable of str"):
                self.encoder.encode(wrong)
        with self.assertRaisesRegex(lacos.InvalidArgumentError, "batch_size"):
            self.encoder.encode("a", batch_size="many")

    def test_arguments_by_position(self) -> None:
        expected = self.encoder.encode(TEXTS, prompt_name="query")
        self.assert_same_bytes(self.encoder.encode(TEXTS, "query"), expected)
        self.assert_same_bytes(self.encoder.encode(TEXTS, None, "Question: "), expected)
        self.assert_same_bytes(self.encoder.encode(sentences=TEXTS, prompt="Question: ", prompt_name="passage"), expected)
        self.assert_same_bytes(self.encoder.encode_query(TEXTS, None, None, 2, False), expected)
        self.assert_same_bytes(self.encoder.encode_document(TEXTS, "query"), expected)
        self.assert_same_bytes(self.encoder.encode(TEXTS, "query", device="cpu", output_value="sentence_embedding"), expected)
        for wrong, message in (({"device": "cuda"}, "device"), ({"pool": {}}, "pool"), ({"output_value": "all"}, "output_value"),
                               ({"precision": "int4"}, "precision")):
            with self.assertRaisesRegex(lacos.InvalidArgumentError, message):
                self.encoder.encode(TEXTS, **wrong)
        for arguments in ({}, {"inputs": TEXTS, "sentences": TEXTS}):
            with self.assertRaisesRegex(TypeError, "inputs and sentences"):
                self.encoder.encode(**arguments)

    def test_own_prompts(self) -> None:
        with lacos.SentenceEncoder(self.trained, compute="f32", prompts={"q": "Q: ", "none": ""},
                                   default_prompt_name="q") as encoder:
            self.assertEqual((encoder.prompts, encoder.default_prompt_name), ({"q": "Q: ", "none": ""}, "q"))
            self.assert_same_bytes(encoder.encode("x"), self.encoder.encode("Q: x"))
            self.assert_same_bytes(encoder.encode("x", prompt_name="none"), self.encoder.encode("x"))
            self.assert_same_bytes(encoder.encode_query("x"), self.encoder.encode("x"))
            with self.assertRaisesRegex(lacos.Error, "found 'query'; expected one of q, none"):
                encoder.encode("x", prompt_name="query")
            encoder.prompts = None
            encoder.default_prompt_name = "passage"
            self.assert_same_bytes(encoder.encode("x"), self.encoder.encode("Passage: x"))
            with self.assertRaisesRegex(lacos.Error, "default_prompt_name"):
                encoder.default_prompt_name = "other"
        with self.assertRaisesRegex(lacos.Error, "default_prompt_name"):
            lacos.SentenceEncoder(self.trained, default_prompt_name="other")

    def test_fewer_values(self) -> None:
        with lacos.SentenceEncoder(self.trained, compute="f32", truncate_dim=8) as encoder:
            self.assertEqual((encoder.dimension, encoder.truncate_dim), (8, 8))
            self.assert_same_bytes(encoder.encode(TEXTS), self.encoder.encode(TEXTS, truncate_dim=8))
            with encoder.truncate_sentence_embeddings(16):
                self.assertEqual(encoder.encode("x").shape, (16,))
            self.assertEqual(encoder.encode("x", truncate_dim=32).shape, (32,))
            with self.assertRaisesRegex(lacos.Error, "truncate_dim"):
                encoder.truncate_dim = 1000
            encoder.truncate_dim = None
            self.assertEqual(encoder.encode("x").shape, (256,))

    def test_precisions(self) -> None:
        vectors = self.encoder.encode(TEXTS)
        for precision, kind in (("float32", np.float32), ("int8", np.int8), ("uint8", np.uint8), ("binary", np.int8),
                                ("ubinary", np.uint8), ("float16", np.float16)):
            codes = self.encoder.encode(TEXTS, precision=precision)
            self.assertEqual((codes.dtype, codes.shape), (kind, (len(TEXTS), 32 if "binary" in precision else 256)))
            self.assert_same_bytes(codes, lacos.quantize_embeddings(vectors, precision))
            self.assert_same_bytes(codes, self.embed(self.trained, TEXTS, "--compute", "f32", "--precision", precision))
        self.assertEqual(self.encoder.encode("one", precision="binary").shape, (32,))

    def test_ranges(self) -> None:
        vectors = self.encoder.encode(TEXTS)
        expected = self.embed(self.trained, TEXTS, "--compute", "f32", "--precision", "int8")
        ranges = np.load(self.folder / "vectors.npy.ranges.npy") if (self.folder / "vectors.npy.ranges.npy").exists() \
            else np.load(next(self.folder.glob("*.ranges.npy")))
        self.assert_same_bytes(lacos.ranges_of(vectors), ranges)
        self.assert_same_bytes(lacos.quantize_embeddings(vectors, "int8", ranges), expected)
        queries = self.encoder.encode(["one", "two"])
        saved = self.folder / "ranges.npy"
        np.save(saved, ranges)
        theirs = self.embed(self.trained, ["one", "two"], "--compute", "f32", "--precision", "int8", "--ranges", str(saved))
        self.assert_same_bytes(lacos.quantize_embeddings(queries, "int8", ranges=ranges), theirs)
        self.assert_same_bytes(lacos.quantize_embeddings(queries, "int8", calibration_embeddings=vectors), theirs)
        self.assert_same_bytes(lacos.quantize_embeddings(queries[0], "int8", ranges), theirs[0])
        for arguments, message in (((queries[:1], "int8"), "at least two"), ((queries, "int8", ranges[:, :9]), r"\(2, 256\)"),
                                   ((queries, "int8", ranges[::-1]), "ranges"), ((queries, "int4"), "precision"),
                                   ((theirs, "uint8"), "int8"), ((queries * np.nan, "binary"), "row 0")):
            with self.subTest(message=message), self.assertRaisesRegex(lacos.Error, message):
                lacos.quantize_embeddings(*arguments)
        self.assertEqual(lacos.quantize_embeddings(np.empty((0, 9), np.float32), "ubinary").shape, (0, 2))

    def test_token_embeddings(self) -> None:
        tokens = self.encoder.encode(TEXTS, output_value="token_embeddings")
        self.assertEqual([len(vectors) for vectors in tokens], [min(len(self.encoder.tokenize(text)), 75) for text in TEXTS])
        for text, vectors in zip(TEXTS, tokens):
            vectors = np.asarray(vectors).astype(np.float64)
            if len(vectors) == 0:
                continue
            weights = np.arange(1, len(vectors) + 1)
            pooled = (vectors * weights[:, np.newaxis]).sum(0) / weights.sum()
            np.testing.assert_allclose(pooled / np.linalg.norm(pooled), self.encoder.encode(text), atol=1e-5)
        everything = self.encoder.encode(TEXTS[0], output_value=None)
        self.assertEqual(sorted(everything), ["attention_mask", "input_ids", "sentence_embedding", "token_embeddings"])
        self.assertEqual(np.asarray(everything["input_ids"]).tolist(), self.encoder.tokenize(TEXTS[0]).tolist())
        self.assertEqual(len(self.encoder.encode("x", prompt_name="query", output_value="token_embeddings")),
                         len(self.encoder.tokenize("Question: x")))

    def test_presets(self) -> None:
        with lacos.SentenceEncoder(MODEL, compute="f32", preset="sgpt-bloom") as encoder, \
                lacos.SentenceEncoder(MODEL, compute="f32", pooling="weighted_mean", prefix="[", suffix="]") as framed:
            self.assertEqual((encoder.prompts, encoder.max_seq_length), ({"query": "", "document": ""}, 300))
            self.assert_same_bytes(encoder.encode_query(TEXTS), framed.encode(TEXTS))
            self.assertFalse(np.array_equal(encoder.encode_document(TEXTS[0]), encoder.encode_query(TEXTS[0])))
        with self.assertRaisesRegex(lacos.Error, r"puts '\[BOQ\]' around texts"):
            lacos.SentenceEncoder(MODEL, preset="udever")
        with self.assertRaisesRegex(lacos.InvalidArgumentError, "preset"):
            lacos.SentenceEncoder(MODEL, preset="sgpt")

    def test_names_on_the_hub(self) -> None:
        with unittest.mock.patch.dict(sys.modules, {"huggingface_hub": None}):  # not installed
            with self.assertRaisesRegex(lacos.Error, r"\[someone/nano\] is no folder .* `pip install huggingface_hub` .* "
                                                     "`hf download someone/nano --local-dir nano`"):
                lacos.SentenceEncoder("someone/nano")
        hub, constants = unittest.mock.MagicMock(spec=["list_repo_files", "snapshot_download"]), unittest.mock.MagicMock()
        constants.HF_HUB_OFFLINE = False
        hub.list_repo_files.return_value = ["model.safetensors", "pytorch_model.bin"]
        hub.snapshot_download.return_value = str(MODEL)
        with unittest.mock.patch.dict(sys.modules, {"huggingface_hub": hub, "huggingface_hub.constants": constants}):
            with lacos.SentenceEncoder("https://huggingface.co/someone/nano", revision="v1") as encoder:
                self.assertEqual(encoder.path, str(MODEL))
            name, options = hub.snapshot_download.call_args.args, hub.snapshot_download.call_args.kwargs
            self.assertEqual((name, options["revision"]), (("someone/nano",), "v1"))
            self.assertIn("*.bin", options["ignore_patterns"])  # the same weights again
            hub.snapshot_download.side_effect = OSError("no such\nrepository")
            with self.assertRaisesRegex(lacos.Error, r"\[someone/nano\] .* could not fetch it: no such repository; expected"):
                lacos.SentenceEncoder("someone/nano")
            hub.snapshot_download.reset_mock()
            with self.assertRaisesRegex(lacos.Error, "nowhere"):
                lacos.SentenceEncoder("nowhere")
            with self.assertRaisesRegex(lacos.Error, "here/and/there"):
                lacos.SentenceEncoder("here/and/there")
            hub.snapshot_download.assert_not_called()

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
