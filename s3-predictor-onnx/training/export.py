"""Writes a model as ONNX, in int8, and the folder that the Java predictor reads."""
import hashlib
import json
import tempfile
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic

import encoder

OPSET = 18


def write_onnx(model, path):
    """Exports in float32; both axes of the inputs stay free."""
    model = model.eval().cpu()
    ids = torch.ones((2, 9), dtype=torch.long)
    axes = {0: torch.export.Dim("b"), 1: torch.export.Dim("s", max=encoder.MAX_TOKENS)}
    torch.onnx.export(
        model, (ids, torch.ones_like(ids)), str(path), dynamo=True, external_data=False, opset_version=OPSET,
        input_names=["input_ids", "attention_mask"], output_names=["logits", "pooled"],
        dynamic_shapes={"input_ids": axes, "attention_mask": axes}, verbose=False)
    graph = onnx.load(str(path))
    rename(graph.graph, {"embedding": "word_vectors", "pooled": "embedding"})
    del graph.graph.value_info[:]  # the exporter leaves shapes behind that do not hold
    onnx.save(graph, str(path))


def rename(graph, names):
    """Renames values; the exporter calls the looked-up word vectors by the output's name."""
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for output in graph.output:
        output.name = names.get(output.name, output.name)


def quantise(source, target):
    """Weights as int8 with a scale for each column, activations quantised as they come.

    Seven bits of the eight are used: with all eight, processors without dot-product instructions
    saturate, and give other results than those with them.
    """
    quantize_dynamic(str(source), str(target), op_types_to_quantize=["MatMul", "Gather"], per_channel=True,
                     reduce_range=True, weight_type=QuantType.QInt8)
    check(target)


def check(path):
    graph = onnx.load(str(path))
    onnx.checker.check_model(graph)
    domains = {opset.domain for opset in graph.opset_import if any(n.domain == opset.domain for n in graph.graph.node)}
    assert domains <= {"", "com.microsoft"}, domains
    assert [i.name for i in graph.graph.input] == ["input_ids", "attention_mask"]
    assert [o.name for o in graph.graph.output] == ["logits", "embedding"]


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def write_json(path, value):
    Path(path).write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_folder(model, tokenizer_spec, edges, name, length_tokenizer, out):
    """Writes the folder and returns the path of the float32 graph, to compare with."""
    out.mkdir(parents=True, exist_ok=True)
    full = Path(tempfile.mkdtemp()) / "model-fp32.onnx"
    write_onnx(model, full)
    quantise(full, out / "model.onnx")
    (out / "tokenizer.json").write_text(encoder.text_of(tokenizer_spec), encoding="utf-8")
    write_json(out / "length-model.json", {
        "format": 1,
        "name": name,
        "upper_edges": [int(edge) for edge in edges],
        "max_input_tokens": encoder.MAX_TOKENS,
        "max_batch": 1,  # activations are quantised for a whole batch at once
        "length_tokenizer": sha256(length_tokenizer) if length_tokenizer else "",
        "sha256": {file: sha256(out / file) for file in ("model.onnx", "tokenizer.json")},
    })
    return full
