"""Makes the goldens of the losses without a model: value and gradient with respect to given embedding matrices."""

import pathlib

import torch
from safetensors.torch import save_file
from sentence_transformers.sentence_transformer import losses
from sentence_transformers.sentence_transformer.losses.triplet import TripletDistanceMetric

import tiny_bloom

N, D = 8, 48


class Table(torch.nn.Module):
    """Replaces the encoder: the vector of text i is row i, so that the losses run unchanged."""

    def __init__(self, rows: torch.Tensor):
        super().__init__()
        self.rows = torch.nn.Parameter(rows)
        self.device = torch.device("cpu")

    def forward(self, features):
        return {"sentence_embedding": self.rows[features["input_ids"][:, 0]]}

    def get_embedding_dimension(self):
        return self.rows.shape[1]

    def __iter__(self):
        return iter([])

    def __getitem__(self, index):
        return self


def inputs() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    anchor, positive, negative = (torch.randn(N, D, generator=generator) for _ in range(3))
    positive = positive + 0.5 * anchor
    negative[:2] *= 3  # two triplets beyond the margin, which have no gradient
    score = torch.rand(N, generator=generator)
    score[5] = score[2]  # a tie: CoSENT compares only strictly ordered pairs
    return {
        "anchor": anchor, "positive": positive, "negative": negative, "score": score,
        "label": torch.tensor([0, 1, 2, 2, 1, 0, 0, 1]),
        "classifier.weight": 0.2 * torch.randn(3, 3 * D, generator=generator),
        "classifier.bias": 0.2 * torch.randn(3, generator=generator),
    }


def cases():
    """The cases as {name: (columns, labels, description, function from a Table to its loss)}."""
    symmetric = dict(directions=("query_to_doc", "doc_to_query"), partition_mode="per_direction")
    mnr = losses.MultipleNegativesRankingLoss
    return {
        "mnr": (2, None, "MultipleNegativesRankingLoss(scale=20)", lambda m: mnr(m)),
        "mnr_hard": (3, None, "MultipleNegativesRankingLoss(scale=20), (anchor, positive, negative)", lambda m: mnr(m)),
        "mnr_symmetric": (
            2, None,
            "MultipleNegativesRankingLoss(scale=20, directions=('query_to_doc', 'doc_to_query'), "
            "partition_mode='per_direction') = MultipleNegativesSymmetricRankingLoss: mean of the two cross entropies",
            lambda m: mnr(m, **symmetric),
        ),
        "mnr_symmetric_hard": (
            3, None,
            "as mnr_symmetric with (anchor, positive, negative): negatives are candidates of query_to_doc only",
            lambda m: mnr(m, **symmetric),
        ),
        "matryoshka": (
            2, None, "MatryoshkaLoss(MultipleNegativesRankingLoss(scale=20), dims [24, 12], weights [1, 1])",
            lambda m: losses.MatryoshkaLoss(m, mnr(m), matryoshka_dims=[24, 12]),
        ),
        "softmax": (
            2, "label", "SoftmaxLoss(num_labels=3): features (u, v, |u-v|), classifier as given",
            lambda m: losses.SoftmaxLoss(m, D, 3),
        ),
        "cosine": (2, "score", "CosineSimilarityLoss(): mean squared error of the cosine", losses.CosineSimilarityLoss),
        "cosent": (2, "score", "CoSENTLoss(scale=20)", losses.CoSENTLoss),
        "angle": (2, "score", "AnglELoss(scale=20)", losses.AnglELoss),
        "angle_matryoshka": (
            2, "score", "MatryoshkaLoss(AnglELoss(scale=20), dims [48, 13], weights [1, 1]): one width is odd",
            lambda m: losses.MatryoshkaLoss(m, losses.AnglELoss(m), matryoshka_dims=[48, 13]),
        ),
        "triplet": (
            3, None, "TripletLoss(EUCLIDEAN, triplet_margin=5)",
            lambda m: losses.TripletLoss(m, distance_metric=TripletDistanceMetric.EUCLIDEAN, triplet_margin=5),
        ),
        "gradcache": (
            2, None, "CachedMultipleNegativesRankingLoss(scale=20, mini_batch_size=3)",
            lambda m: losses.CachedMultipleNegativesRankingLoss(m, mini_batch_size=3),
        ),
    }


def evaluate(case, tensors, dtype):
    columns, labels, _, make = case
    names = ["anchor", "positive", "negative"][:columns]
    table = Table(torch.cat([tensors[name] for name in names]).to(dtype))
    loss = make(table)
    gradients = {}
    if hasattr(loss, "classifier"):
        loss.classifier = loss.classifier.to(dtype)
        loss.classifier.weight.data.copy_(tensors["classifier.weight"])
        loss.classifier.bias.data.copy_(tensors["classifier.bias"])
    features = [
        {"input_ids": torch.arange(i * N, (i + 1) * N)[:, None], "attention_mask": torch.ones(N, 1, dtype=torch.int64)}
        for i in range(columns)
    ]
    value = loss(features, None if labels is None else tensors[labels])
    value.backward()
    for i, name in enumerate(names):
        gradients[f"d_{name}"] = table.rows.grad[i * N : (i + 1) * N].clone()
    if hasattr(loss, "classifier"):
        gradients |= {"d_weight": loss.classifier.weight.grad, "d_bias": loss.classifier.bias.grad}
    return value.item(), gradients


def write(root: pathlib.Path) -> None:
    tensors = inputs()
    output, table = dict(tensors), {}
    for name, case in cases().items():
        value, gradients = evaluate(case, tensors, torch.float64)
        rough_value, rough = evaluate(case, tensors, torch.float32)
        assert abs(value - rough_value) < 1e-5 * max(1, abs(value)), (name, value, rough_value)
        for key, gradient in gradients.items():
            assert (gradient - rough[key]).abs().max() <= 2e-5 * gradient.abs().max(), (name, key)
            output[f"{name}.{key}"] = gradient.float().contiguous()
        table[name] = {"value": value, "class": case[2]}
    assert abs(table["gradcache"]["value"] - table["mnr"]["value"]) < 1e-12
    check_by_hand(tensors, table)
    save_file(output, root / "losses.safetensors")
    tiny_bloom.write_json(root / "losses.json", table)


def check_by_hand(tensors, table) -> None:
    """Computes the same values with torch.nn.functional alone, so that a change in sentence-transformers is noticed."""
    F = torch.nn.functional
    a, p, n = (tensors[name].double() for name in ("anchor", "positive", "negative"))
    score = tensors["score"].double()
    diagonal = torch.arange(N)
    cosines = lambda x, y: F.normalize(x) @ F.normalize(y).T
    ce = lambda x, y: F.cross_entropy(20 * cosines(x, y), diagonal)
    pairwise = F.cosine_similarity(a, p)
    linear = F.linear(torch.cat([a, p, (a - p).abs()], 1), tensors["classifier.weight"].double(),
                      tensors["classifier.bias"].double())

    def cosent(similarity):  # log(1 + sum over pairs with score_i > score_j of exp(20 (similarity_j - similarity_i)))
        worse = (similarity[None, :] - similarity[:, None])[score[:, None] > score[None, :]]
        return torch.log1p(torch.exp(20 * worse).sum())

    def angle(x, y):
        """AnglE as its authors compute it: x / y as complex numbers, divided by the quotient of their lengths."""
        if x.shape[1] % 2:
            x, y = F.pad(x, (0, 1)), F.pad(y, (0, 1))
        quotient = torch.complex(*x.chunk(2, 1)) * torch.complex(*y.chunk(2, 1)).conj() / (y * y).sum(1, keepdim=True)
        quotient = quotient / (x.norm(dim=1, keepdim=True) / y.norm(dim=1, keepdim=True))
        return (quotient.real + quotient.imag).sum(1).abs()

    expected = {
        "mnr": ce(a, p), "gradcache": ce(a, p), "mnr_hard": ce(a, torch.cat([p, n])),
        "mnr_symmetric": (ce(a, p) + ce(p, a)) / 2, "mnr_symmetric_hard": (ce(a, torch.cat([p, n])) + ce(p, a)) / 2,
        "matryoshka": ce(a[:, :24], p[:, :24]) + ce(a[:, :12], p[:, :12]),
        "softmax": F.cross_entropy(linear, tensors["label"]), "cosine": F.mse_loss(pairwise, score),
        "cosent": cosent(pairwise), "angle": cosent(angle(a, p)),
        "angle_matryoshka": cosent(angle(a, p)) + cosent(angle(a[:, :13], p[:, :13])),
        "triplet": F.triplet_margin_loss(a, p, n, margin=5.0, eps=0.0),
    }
    for name, value in expected.items():
        # The limit for triplet is 1e-5, because torch.pairwise_distance adds 1e-6 to every difference.
        tolerance = 1e-5 if name == "triplet" else 1e-9
        assert abs(table[name]["value"] - value.item()) < tolerance, (name, table[name]["value"], value.item())
