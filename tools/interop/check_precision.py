#!/usr/bin/env python3
"""Compares `lacos embed --precision` with sentence_transformers' quantize_embeddings of the float32 vectors."""

import numpy
from sentence_transformers.util.quantization import quantize_embeddings

import report

MODEL = report.REPOSITORY / "examples/bloom-nano"


def codes(check: report.Check) -> None:
    texts = report.sentences()
    vectors = check.embed(MODEL, texts)
    for precision in ("int8", "uint8", "binary", "ubinary"):
        ours = check.embed(MODEL, texts, precision=precision)
        theirs = quantize_embeddings(vectors, precision=precision)
        assert ours.dtype == theirs.dtype and ours.shape == theirs.shape, (precision, ours.dtype, ours.shape, theirs.shape)
        # A value at the border of two buckets may get either code because of its last bit. The limit is a difference of
        # one code for one value in a thousand.
        differing = ours != theirs
        if precision.endswith("int8"):
            step = numpy.abs(ours.astype(int) - theirs.astype(int)).max()
            check.row(f"--precision {precision}: largest step of codes", ours.size, float(step), 1)
            check.row(f"--precision {precision}: share of differing codes", ours.size, float(differing.mean()), 1e-3)
        else:
            check.row(f"--precision {precision}: differing bytes", ours.size, float(differing.sum()), 0)
    half = check.embed(MODEL, texts, precision="float16")
    check.row("--precision float16: differing values", half.size, float((half != vectors.astype(numpy.float16)).sum()), 0)


def ranges(check: report.Check) -> None:
    """The codes of some texts with the ranges of others: those of an earlier run, and those of float32 vectors."""
    texts = report.sentences()
    corpus, queries = texts[: len(texts) // 2], texts[len(texts) // 2:]
    calibration = check.embed(MODEL, corpus)
    numpy.save(check.work / "calibration.npy", calibration)
    vectors = check.embed(MODEL, queries)
    for precision in ("int8", "uint8"):
        check.embed(MODEL, corpus, precision=precision)
        earlier = (check.work / "vectors.npy.ranges.npy").rename(check.work / "ranges.npy")
        difference = numpy.abs(numpy.load(earlier) - numpy.stack([calibration.min(0), calibration.max(0)])).max()
        check.row(f"--precision {precision}: largest difference of the ranges", calibration.shape[1], float(difference), 0)
        by_ranges = check.embed(MODEL, queries, "--ranges", earlier, precision=precision)
        by_vectors = check.embed(MODEL, queries, "--calibration", check.work / "calibration.npy", precision=precision)
        theirs = quantize_embeddings(vectors, precision=precision, ranges=numpy.load(earlier))
        again = quantize_embeddings(vectors, precision=precision, calibration_embeddings=calibration)
        assert (theirs == again).all() and (by_ranges == by_vectors).all()
        check.row(f"--ranges, --calibration, {precision}: share of differing codes", theirs.size, float((by_ranges != theirs).mean()), 1e-3)


def truncated(check: report.Check) -> None:
    texts = report.sentences()
    whole = check.embed(MODEL, texts, "--no-normalize")
    short = check.embed(MODEL, texts, "--no-normalize", "--truncate-dim", 64)
    check.row("--truncate-dim 64: differing values", short.size, float((short != whole[:, :64]).sum()), 0)


if __name__ == "__main__":
    report.main([("--precision", codes), ("--ranges", ranges), ("--truncate-dim", truncated)])
