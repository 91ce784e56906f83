#!/usr/bin/env python3
"""Compares hidden states and pooled vectors of random BLOOMs of many shapes with transformers in f32."""

import numpy

import peers
import report

# (layers, heads, head_dim): powers of two and others, BLOOM's own head sizes, and 112 heads as in the 176B model.
SHAPES = [
    (1, 1, 8), (2, 1, 128), (1, 2, 24), (2, 2, 80), (3, 3, 16), (1, 3, 96),
    (2, 6, 8), (3, 7, 8), (1, 12, 32), (2, 16, 64), (3, 16, 8), (1, 112, 8),
]
# Shapes whose residual is the LayerNorm's output (apply_residual_connection_post_layernorm).
POST = [(1, 2, 32), (3, 7, 16)]
LONG = [(3, 3, 16), (2, 1, 128), POST[1]]
LONG_LENGTHS = (1, 2, 31, 32, 33, 127, 128, 129, 511, 512, 513, 1024, 2047, 2048, 2049)
LIMIT = 1e-5
CAP = 24


def folder_of(check: report.Check, shape: tuple[int, int, int]):
    folder = check.work / "l{}-h{}-d{}".format(*shape)
    if not folder.exists():
        seed = (SHAPES + POST).index(shape)
        peers.write_random_bloom(folder, *shape, seed=seed, apply_residual_connection_post_layernorm=shape in POST)
    return folder


def shapes(check: report.Check):
    for shape in SHAPES + POST:
        yield folder_of(check, shape)


def poolings(check: report.Check) -> None:
    texts = report.sentences()[:30]
    worst = dict.fromkeys(peers.POOLINGS, 0.0)
    for folder in shapes(check):
        states = peers.hidden_states(peers.load_bloom(folder), peers.token_ids(folder, texts, 64))
        for pooling in worst:
            ours = check.embed(folder, texts, "--pooling", pooling, "--max-length", 64, "--no-normalize")
            worst[pooling] = max(worst[pooling], report.relative_difference(ours, peers.pooled(states, pooling)))
    for pooling, largest in worst.items():
        check.row(f"vectors, {pooling} pooling, {len(SHAPES + POST)} shapes, f32: transformers", len(SHAPES + POST) * len(texts), largest, LIMIT)


def every_token(check: report.Check) -> None:
    # With causal attention, the `last` pooling of a text that is cut after t tokens is the hidden state of token t.
    texts = [text for text in report.sentences()[::9]][:8]
    largest, tokens = 0.0, 0
    for folder in shapes(check):
        ids = peers.token_ids(folder, texts, CAP)
        assert min(map(len, ids)) == CAP
        expected = numpy.stack([state.numpy() for state in peers.hidden_states(peers.load_bloom(folder), ids)])
        for length in (1, 2, 3, 5, 8, 13, CAP):
            ours = check.embed(folder, texts, "--pooling", "last", "--max-length", length, "--no-normalize")
            largest = max(largest, report.relative_difference(ours, expected[:, length - 1]))
            tokens += len(texts)
    check.row(f"hidden states at positions 1 to 24, {len(SHAPES + POST)} shapes, f32: transformers", tokens, largest, LIMIT)


def long_texts(check: report.Check) -> None:
    """Compares every pooling, and single positions, for up to 2,049 tokens, one more than in BLOOM's training."""
    text = " ".join(report.sentences() * 40)
    positions, pooled, cases = 0.0, 0.0, 0
    for shape in LONG:
        folder = folder_of(check, shape)
        ids = peers.token_ids(folder, [text], LONG_LENGTHS[-1])
        assert len(ids[0]) == LONG_LENGTHS[-1], len(ids[0])
        states = peers.hidden_states(peers.load_bloom(folder), ids)[0]
        for length in LONG_LENGTHS:
            ours = check.embed(folder, [text], "--pooling", "last", "--max-length", length, "--no-normalize")
            positions = max(positions, report.relative_difference(ours, states[length - 1 : length].numpy()))
        for pooling in peers.POOLINGS:
            ours = check.embed(folder, [text], "--pooling", pooling, "--max-length", LONG_LENGTHS[-1], "--no-normalize")
            pooled = max(pooled, report.relative_difference(ours, peers.pooled([states], pooling)))
        cases += 1
    check.row(f"hidden states at positions up to 2,049, {cases} shapes, f32: transformers", cases * len(LONG_LENGTHS), positions, LIMIT)
    check.row(f"vectors of 2,049 tokens, six poolings, {cases} shapes, f32: transformers", cases * len(peers.POOLINGS), pooled, LIMIT)


def pruned(check: report.Check) -> None:
    """Compares the folders of `lacos prune` in transformers, which must find every tensor, with lacos's own vectors."""
    texts = report.sentences()[:30]
    largest, cases = 0.0, 0
    for shape in [s for s in SHAPES + POST if s[0] == 3]:
        folder, target = folder_of(check, shape), check.work / "pruned-{}-{}-{}".format(*shape)
        check.run("prune", "--model", folder, "--layers", 2, "--output", target, "--overwrite", compute=None)
        states = peers.hidden_states(peers.load_bloom(target), peers.token_ids(target, texts, 64))
        ours = check.embed(target, texts, "--pooling", "mean", "--max-length", 64, "--no-normalize")
        largest = max(largest, report.relative_difference(ours, peers.pooled(states, "mean")))
        cases += 1
    check.row(f"vectors of bases pruned to 2 of 3 layers, {cases} shapes, f32: transformers", cases * len(texts), largest, LIMIT)


def in_batches(check: report.Check) -> None:
    """Checks that the bytes of a vector do not depend on the other texts of its batch."""
    folder = next(iter(shapes(check)))
    texts = report.sentences()
    together = check.embed(folder, texts)
    reversed_order = check.embed(folder, texts[::-1])[::-1]
    alone = check.embed(folder, texts, "--batch-tokens", 1)
    differing = int((together != reversed_order).any(1).sum() + (together != alone).any(1).sum())
    check.row("vectors that change with the batch or the order", 2 * len(texts), differing, 0)


if __name__ == "__main__":
    report.main([("pooled vectors", poolings), ("hidden states", every_token), ("long texts", long_texts), ("pruned bases", pruned),
                 ("independence of the batch", in_batches)])
