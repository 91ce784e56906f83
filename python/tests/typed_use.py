"""A program as users write them, which mypy checks and nobody runs: every public name with its types."""

from typing import Dict, List, Optional

import lacos


def on_step(step: lacos.TrainStep) -> bool:
    loss: Optional[float] = step.loss
    return loss is None or step.step < 10


report: lacos.QuantizeReport = lacos.quantize("bloom", "bloom-int8", block_size=64)
errors: Dict[str, float] = report.relative_error
rows: List[Dict[str, str]] = [{"anchor": "a", "positive": "b"}]
trained: lacos.TrainReport = lacos.train(
    model="bloom-int8", train=["nli.tsv", rows], dev="dev.tsv", output="trained", on_step=on_step, epochs=1, batch_size=64,
    learning_rate=2e-4, pooling="weighted_mean", loss="mnr", lora_target=["query_key_value"], matryoshka=[256, 128],
    memory_budget="6GB", normalize=None, resume=True)
best: Optional[lacos.DevScore] = trained.best
scores: lacos.Evaluation = lacos.evaluate("trained", "stsb.tsv", task="sts", similarity="dot", compute="f32")
spearman: Optional[float] = scores.measures["spearman"]

with lacos.SentenceEncoder("trained", compute="int8", preset="udever", prompts={"query": "Q: "}) as encoder:
    dimension: int = encoder.dimension
    prompts: Dict[str, str] = encoder.prompts
    encoder.similarity_fn_name = "dot"
    name: str = encoder.similarity_fn_name
    vectors = encoder.encode(["a", "b"], normalize_embeddings=True, precision="float32")
    print(lacos.similarity(vectors, vectors, "cosine"), lacos.quantize_embeddings(vectors, "int8", lacos.ranges_of(vectors)))

text: List[str] = lacos.read_texts("texts.parquet")
for row in lacos.read_rows("nli.tsv.gz", delimiter="tab"):
    print(row["anchor"])
differences: lacos.EvaluationComparison = lacos.compare_evaluations("results-a", "results-b", resamples=1000)
