"""Tokens, similarity and the package itself."""

import importlib.resources
import pathlib
import re
import unittest

import numpy as np

import lacos
from fixtures import MODEL, REPOSITORY, TEXTS, ModelTest


class TokensTest(ModelTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.encoder = lacos.SentenceEncoder(MODEL)
        cls.addClassCleanup(cls.encoder.close)

    def test_there_and_back(self) -> None:
        for text in TEXTS + ["a\0b", "x" * 5000, "👩‍👩‍👧‍👦" * 50]:
            ids = self.encoder.tokenize(text)
            self.assertEqual(ids.dtype, np.int32)
            self.assertEqual(self.encoder.decode(ids), text)
            self.assertEqual(self.encoder.decode(ids.tolist()), text)
        many = self.encoder.tokenize(TEXTS)
        self.assertEqual([len(ids) for ids in many], [len(self.encoder.tokenize(text)) for text in TEXTS])
        self.assertEqual(self.encoder.tokenize([]), [])

    def test_offsets_count_characters(self) -> None:
        text = "naïve 😀 men"
        ids, offsets = self.encoder.tokenize_with_offsets(text)
        self.assertEqual(offsets.shape, (len(ids), 2))
        self.assertEqual((offsets[0, 0], offsets[-1, 1]), (0, len(text)))
        self.assertTrue(np.array_equal(ids, self.encoder.tokenize(text)))

    def test_vocabulary(self) -> None:
        self.assertEqual(self.encoder.token_id("</s>"), 2)
        self.assertIsNone(self.encoder.token_id("no such token"))
        self.assertGreater(self.encoder.vocabulary_size, 1000)
        self.assertEqual(self.encoder.decode([2]), "</s>")
        self.assertEqual(self.encoder.decode([2], skip_special_tokens=True), "")
        self.assertEqual(self.encoder.decode([]), "")

    def test_errors(self) -> None:
        with self.assertRaisesRegex(lacos.Error, "999999"):
            self.encoder.decode([999999])
        with self.assertRaises(lacos.InvalidArgumentError):
            self.encoder.decode([-1])
        with self.assertRaises(lacos.InvalidArgumentError):
            self.encoder.decode([2**40])
        with self.assertRaises(TypeError):
            self.encoder.decode([0.5])
        with self.assertRaises(TypeError):
            self.encoder.decode(["</s>"])
        with self.assertRaisesRegex(lacos.Error, "surrogate"):
            self.encoder.tokenize("\udfff")


class SimilarityTest(unittest.TestCase):
    def test_equals_numpy(self) -> None:
        generator = np.random.default_rng(1)
        a, b = generator.normal(size=(13, 33)).astype(np.float32), generator.normal(size=(9, 33)).astype(np.float32)
        unit = [x.astype(np.float64) / np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True) for x in (a, b)]
        expected = unit[0] @ unit[1].T
        found = lacos.similarity(a, b)
        self.assertEqual(found.dtype, np.float32)
        np.testing.assert_allclose(found, expected, atol=2**-24)  # half a unit in the last place of a float below 1
        np.testing.assert_allclose(lacos.similarity_pairwise(a[:9], b), np.diag(expected[:9]), atol=2**-24)
        np.testing.assert_array_equal(lacos.similarity(a[0], b), found[:1])
        np.testing.assert_array_equal(lacos.similarity(a[::2], np.asfortranarray(b)), found[::2])  # any layout in memory
        self.assertEqual(lacos.similarity(a, b[:0]).shape, (13, 0))
        self.assertEqual(lacos.similarity(np.zeros((1, 33)), b).max(), 0)

    def test_other_similarities(self) -> None:
        generator = np.random.default_rng(2)
        a, b = generator.normal(size=(5, 33)).astype(np.float32), generator.normal(size=(4, 33)).astype(np.float32)
        differences = a[:, None].astype(np.float64) - b[None].astype(np.float64)
        for name, expected in (("dot", a.astype(np.float64) @ b.T.astype(np.float64)),
                               ("euclidean", -np.sqrt((differences**2).sum(-1))), ("manhattan", -np.abs(differences).sum(-1))):
            found = lacos.similarity(a, b, name)
            np.testing.assert_allclose(found, expected, rtol=2**-23)
            np.testing.assert_array_equal(lacos.similarity_pairwise(a[:4], b, name), np.diag(found[:4]))
        with self.assertRaisesRegex(ValueError, "found 'l2'; expected one of cosine, dot"):
            lacos.similarity(a, b, "l2")

    def test_errors(self) -> None:
        with self.assertRaisesRegex(ValueError, "3 and 4"):
            lacos.similarity(np.ones((1, 3)), np.ones((1, 4)))
        with self.assertRaisesRegex(ValueError, "2 and 1"):
            lacos.similarity_pairwise(np.ones((2, 3)), np.ones((1, 3)))
        with self.assertRaisesRegex(ValueError, "axes"):
            lacos.similarity(np.ones((1, 1, 3)), np.ones((1, 3)))


class PackageTest(unittest.TestCase):
    def test_one_version(self) -> None:
        header = (REPOSITORY / "src/lacos/base/version.h").read_text(encoding="utf-8")
        self.assertEqual(lacos.__version__, re.search(r'kLacosVersion = "([^"]+)"', header).group(1))
        from importlib.metadata import version

        self.assertEqual(version("lacos"), lacos.__version__)

    def test_is_the_installed_one_and_typed(self) -> None:
        folder = pathlib.Path(lacos.__file__).resolve().parent
        self.assertNotIn(REPOSITORY / "python", folder.parents)
        self.assertTrue((folder / "py.typed").is_file())
        self.assertTrue(importlib.resources.files("lacos").joinpath("liblacos.so").is_file())


if __name__ == "__main__":
    unittest.main()
