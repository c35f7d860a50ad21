"""Reads the weights, the configuration and the tokenizer of a model of the Llama family from a GGUF file."""
import struct
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaModel, PreTrainedTokenizerFast

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
TEXT, ARRAY = 8, 9
CONTROL = 3  # type of a token that no text is ever split into
BLOCK = 32  # values with a scale of their own
WORDS = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"  # as GPT-2 splits text
NAMES = {"attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
         "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm",
         "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}


@dataclass
class Gguf:
    """The metadata of a file, and the tensors by name."""

    metadata: dict
    tensors: dict

    def of(self, key, default=None):
        return self.metadata.get(f"{self.metadata['general.architecture']}.{key}", default)


class Cursor:
    """A position in the file's bytes, moved on by each read."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def scalar(self, kind):
        value, = struct.unpack_from("<" + kind, self.data, self.at)
        self.at += struct.calcsize("<" + kind)
        return value

    def text(self):
        length = self.scalar("Q")
        self.at += length
        return bytes(self.data[self.at - length:self.at]).decode("utf-8")

    def value(self, kind):
        if kind == TEXT:
            return self.text()
        if kind == ARRAY:
            element, count = self.scalar("I"), self.scalar("Q")
            return [self.value(element) for _ in range(count)]
        return self.scalar(SCALARS[kind])


def read(path):
    data = np.memmap(path, np.uint8, "r")
    cursor = Cursor(data)
    if bytes(data[:4]) != b"GGUF":
        raise SystemExit(f"{path} is no GGUF file")
    cursor.at = 8
    tensors, keys = cursor.scalar("Q"), cursor.scalar("Q")
    metadata = {}
    for _ in range(keys):
        key = cursor.text()
        metadata[key] = cursor.value(cursor.scalar("I"))
    heads = []
    for _ in range(tensors):
        name = cursor.text()
        shape = [cursor.scalar("Q") for _ in range(cursor.scalar("I"))][::-1]
        heads.append((name, shape, cursor.scalar("I"), cursor.scalar("Q")))
    align = metadata.get("general.alignment", 32)
    start = -(-cursor.at // align) * align
    return Gguf(metadata, {name: floats(data[start + offset:], shape, kind, f"{path}: {name}")
                           for name, shape, kind, offset in heads})


def floats(data, shape, kind, where):
    """The values of a tensor in F32, F16, Q4_1 or Q8_0."""
    count = int(np.prod(shape))
    if kind in (0, 1):
        plain = np.float32 if kind == 0 else np.float16
        return data[:count * plain().itemsize].view(plain).astype(np.float32).reshape(shape)
    blocks = count // BLOCK
    if kind == 8:
        raw = data[:blocks * 34].reshape(blocks, 34)
        values = raw[:, 2:].view(np.int8).astype(np.float32) * half(raw[:, :2])
    elif kind == 3:
        raw = data[:blocks * 20].reshape(blocks, 20)
        both = np.concatenate([raw[:, 4:] & 15, raw[:, 4:] >> 4], axis=1)
        values = both.astype(np.float32) * half(raw[:, :2]) + half(raw[:, 2:4])
    else:
        raise SystemExit(f"{where} has the GGUF type {kind}; only F32, F16, Q4_1 and Q8_0 can be read")
    return values.reshape(shape)


def half(raw):
    return np.ascontiguousarray(raw).view(np.float16).astype(np.float32)


def split_rotary(weight, heads):
    """Puts the rows of a head's rotary pairs, which GGUF keeps side by side, into two halves."""
    rows, width = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, width).swapaxes(1, 2).reshape(rows, width)


def model(gguf):
    """The layers of the model without its output, in float32."""
    width, heads = gguf.of("embedding_length"), gguf.of("attention.head_count")
    kv_heads = gguf.of("attention.head_count_kv", heads)
    llama = LlamaModel(LlamaConfig(
        vocab_size=gguf.tensors["token_embd.weight"].shape[0], hidden_size=width,
        intermediate_size=gguf.of("feed_forward_length"), num_hidden_layers=gguf.of("block_count"),
        num_attention_heads=heads, num_key_value_heads=kv_heads,
        rms_norm_eps=gguf.of("attention.layer_norm_rms_epsilon"), max_position_embeddings=gguf.of("context_length"),
        rope_theta=gguf.of("rope.freq_base", 10000.0)))
    state = {"embed_tokens.weight": gguf.tensors["token_embd.weight"],
             "norm.weight": gguf.tensors["output_norm.weight"]}
    for name, value in gguf.tensors.items():
        if name.startswith("blk."):
            _, layer, part, _ = name.split(".")
            if part in ("attn_q", "attn_k"):
                value = split_rotary(value, heads if part == "attn_q" else kv_heads)
            state[f"layers.{layer}.{NAMES[part]}.weight"] = value
    llama.load_state_dict({name: torch.tensor(value) for name, value in state.items()})
    return llama.eval()


def tokenizer(gguf):
    """The tokenizer with its chat template; byte-level BPE whose digits stand alone."""
    kind = gguf.metadata["tokenizer.ggml.pre"]
    if kind != "smollm":
        raise SystemExit(f"only tokenizers of the kind smollm can be read, not {kind}")
    tokens, types = gguf.metadata["tokenizer.ggml.tokens"], gguf.metadata["tokenizer.ggml.token_type"]
    merges = [tuple(pair.split(" ")) for pair in gguf.metadata["tokenizer.ggml.merges"]]
    bpe = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    bpe.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"\p{N}"), "isolated"), pre_tokenizers.Split(Regex(WORDS), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    bpe.decoder = decoders.ByteLevel()
    bpe.add_special_tokens([AddedToken(t, special=True) for t, k in zip(tokens, types) if k == CONTROL])
    return PreTrainedTokenizerFast(tokenizer_object=bpe, chat_template=gguf.metadata["tokenizer.chat_template"])
