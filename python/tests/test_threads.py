"""Several Python threads: the GIL is free while the library computes, and every thread gets the same bytes."""

import ctypes
import threading
import time
import unittest

import numpy as np

import lacos
from fixtures import MODEL, TEXTS, ModelTest
from lacos import _library


class ThreadsTest(ModelTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.encoder = lacos.SentenceEncoder(MODEL)
        cls.addClassCleanup(cls.encoder.close)

    def middle_ticks(self, library) -> int:
        """How often this thread runs in the middle half of one long lacos_encode of another."""
        texts = [text.encode() for text in TEXTS * 2000]
        pointers = (ctypes.c_char_p * len(texts))(*texts)
        out = np.empty((len(texts), self.encoder.dimension), dtype=np.float32)
        interval = []

        def long_call() -> None:
            begin = time.monotonic()
            status = library.lacos_encode(self.encoder._model, pointers, None, len(texts), None, out.ctypes.data, out.size, None)
            interval.extend((begin, time.monotonic(), status))

        thread = threading.Thread(target=long_call)
        ticks = []
        thread.start()
        while thread.is_alive():
            ticks.append(time.monotonic())
            time.sleep(0.001)
        thread.join()
        begin, end, status = interval
        self.assertEqual(status, _library.OK)
        quarter = (end - begin) / 4
        return sum(begin + quarter < tick < end - quarter for tick in ticks)

    def test_other_threads_run_while_the_library_computes(self) -> None:
        self.assertGreater(self.middle_ticks(_library.LIBRARY), 3)

    def test_the_measure_tells_a_held_lock(self) -> None:
        self.assertEqual(self.middle_ticks(_library.load(ctypes.PyDLL)), 0)

    def test_threads_get_the_same_bytes(self) -> None:
        expected = self.encoder.encode(TEXTS)
        found = [None] * 4

        def work(index: int) -> None:
            order = [(i + index) % len(TEXTS) for i in range(len(TEXTS))]
            for _ in range(5):
                vectors = self.encoder.encode([TEXTS[i] for i in order], batch_size=index + 1)
                found[index] = vectors[np.argsort(order)]

        threads = [threading.Thread(target=work, args=(i,)) for i in range(len(found))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for vectors in found:
            self.assert_same_bytes(vectors, expected)

    def test_errors_belong_to_their_thread(self) -> None:
        messages = [""] * 8

        def work(index: int) -> None:
            for _ in range(20):
                try:
                    lacos.SentenceEncoder(f"nowhere {index} of many")
                except lacos.Error as error:
                    messages[index] = str(error)
                    if f"nowhere {index} " not in messages[index]:
                        return

        threads = [threading.Thread(target=work, args=(i,)) for i in range(len(messages))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for index, message in enumerate(messages):
            self.assertIn(f"nowhere {index} ", message)

    def test_close_waits_for_calls(self) -> None:
        encoder = lacos.SentenceEncoder(MODEL)
        started, results = threading.Event(), []

        def work() -> None:
            started.set()
            results.append(encoder.encode(TEXTS * 100, batch_size=600))

        thread = threading.Thread(target=work)
        thread.start()
        started.wait()
        while encoder._users == 0 and thread.is_alive():
            time.sleep(0.001)
        encoder.close()
        thread.join()
        self.assertEqual(results[0].shape, (600, 256))


if __name__ == "__main__":
    unittest.main()
