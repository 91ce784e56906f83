#!/usr/bin/env python3
"""Writes the file that one of peer_embed.py's runtimes reads, in a process of its own, so that its memory does not count.

The exported graph holds mean pooling: input_ids and attention_mask [N, T] to vectors [N, D].
"""

import argparse
import pathlib

import peer_step  # first: it keeps the peers offline

FORMATS = ("openvino-f32", "openvino-int8-weights", "onnx-f32", "onnx-int8")


def pooled_model(folder: pathlib.Path):
    import torch
    from transformers import AutoModel

    class MeanPooled(torch.nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, input_ids, attention_mask):
            states = self.model(input_ids=input_ids, attention_mask=attention_mask, use_cache=False).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(states.dtype)
            return (states * mask).sum(1) / mask.sum(1)

    return MeanPooled(AutoModel.from_pretrained(folder, dtype=torch.float32)).eval()


def example():
    import torch

    return {"input_ids": torch.tensor([[5, 6, 7, 8, 9], [5, 6, 7, 3, 3]]), "attention_mask": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])}


def export_openvino(model: pathlib.Path, output: pathlib.Path, int8_weights: bool) -> None:
    import nncf
    import openvino

    converted = openvino.convert_model(pooled_model(model), example_input=example())
    if int8_weights:
        converted = nncf.compress_weights(converted, mode=nncf.CompressWeightsMode.INT8_SYM)
    openvino.save_model(converted, output / "model.xml", compress_to_fp16=False)


def export_onnx(model: pathlib.Path, output: pathlib.Path, int8: bool) -> None:
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    whole = output / "f32.onnx" if int8 else output / "model.onnx"
    free = {0: "texts", 1: "tokens"}
    torch.onnx.export(pooled_model(model), (), str(whole), kwargs=example(), input_names=["input_ids", "attention_mask"], output_names=["vectors"],
                      dynamic_axes={"input_ids": free, "attention_mask": free}, dynamo=False)
    if int8:
        quantize_dynamic(whole, output / "model.onnx", per_channel=True, weight_type=QuantType.QInt8, use_external_data_format=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--format", choices=FORMATS, required=True)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--output", type=pathlib.Path, required=True, help="a folder")
    options = parser.parse_args()
    peer_step.quiet_torch(threads=2)
    options.output.mkdir(parents=True)
    if options.format.startswith("openvino"):
        export_openvino(options.model, options.output, int8_weights=options.format == "openvino-int8-weights")
    else:
        export_onnx(options.model, options.output, int8=options.format == "onnx-int8")


if __name__ == "__main__":
    main()
