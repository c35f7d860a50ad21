"""The network: an encoder over speech with a CTC branch, and one decoder that reads a canvas in two modes.

Exact arithmetic of one recording, without dropout. d = hidden_size (128), 4 heads of 32. `linear(x, W)` is x W^T;
W is stored (outputs, inputs); a bias is added only where a tensor NAME.bias exists. LayerNorm is
(x - mean) / sqrt(variance + 1e-5) * weight + bias over the d numbers of a row (variance with divisor d).
silu(x) = x sigmoid(x).

Encoder. Input: normalised log-mel features (T, 64), see features.py.
  1. subsampling.conv1: 3x3 convolution 1 -> 32 channels, stride 2 and one row of zeros on all four sides, ReLU:
     y[c,t,f] = bias[c] + sum over k, i, j of W[c,k,i,j] x[k, 2t+i-1, 2f+j-1]; T1 = ceil(T/2) frames, 32 bands.
  2. subsampling.conv2: the same, 32 -> 32 channels, ReLU: T2 = ceil(T1/2) frames (25 a second), 16 bands.
  3. subsampling.projection: frame t is the vector v[c*16 + f] = y[c,t,f] (512 numbers); linear with bias -> d.
  4. encoder.layers.0 to 7, each:
       x = x + attention(LayerNorm(x))        attention.norm, .query, .key, .value, .output: d -> d, no bias
       x = x + convolution(LayerNorm(x))      convolution.norm, then .expand (d -> 2d): a = first d, g = last d,
                                              h = a * sigmoid(g); .depthwise (d, 1, 15), bias, 7 zero frames on
                                              both sides: z[t,c] = bias[c] + sum_i W[c,0,i] h[t+i-7,c];
                                              z = silu(LayerNorm(z)) with .depthwise_norm; .output (d -> d)
       x = x + feed_forward(LayerNorm(x))     feed_forward.norm, .up (d -> 4d), silu, .down (4d -> d)
     Attention: heads are consecutive slices of 32; rotary positions on query and key, position = frame number,
     inv[i] = 10000^(-2i/32), i = 0..15, halves as in Llama: (x1, x2) -> (x1 cos - x2 sin, x2 cos + x1 sin),
     x1 = first 16 numbers of the head, x2 = last 16; softmax(q k / sqrt(32)) over all frames (no mask).
  5. encoder.norm: LayerNorm -> h (T2, d).
  6. ctc.head: linear with bias, d -> 30; log-softmax.

CTC. Greedy: a[t] = the likeliest of blank (0) and the characters (3 to 29); <end> and <mask> are passed over.
  Frame t begins a character when a[t] is not blank and a[t] differs from a[t-1]. The text is these characters,
  the confidence of a character is the greatest probability of it over the frames of its run.
Index. n[t] = number of characters begun at the frames 0 to t. memory[t] = h[t] + sinusoid(n[t]), with
  sinusoid(n)[i] = sin(n / 10000^(i/64)), sinusoid(n)[64+i] = cos(n / 10000^(i/64)), i = 0..63.

Decoder. Input: a canvas of ids (C), mode m (0 = masked, 1 = causal).
  1. x[p] = decoder.embedding[id[p]] + sinusoid(p + 1) + decoder.mode[m], p = 0 to C-1.
  2. decoder.layers.0 to 3, each:
       x = x + self_attention(LayerNorm(x))   as in the encoder, rotary positions p; over the whole canvas in
                                              masked mode, over the positions 0 to p in causal mode
       x = x + cross_attention(LayerNorm(x))  query from x; key and value from memory (no norm, no rotary)
       x = x + feed_forward(LayerNorm(x))
  3. decoder.norm, decoder.head (linear with bias, d -> 30). Position p: logits of the character at p.
  In causal mode the canvas is shifted: id[0] = <end>, id[p] = character p-1; the logits at p are for character p,
  or <end> behind the last one.

Ids: 0 <blank> (CTC only), 1 <end> (also the start of causal mode), 2 <mask>, 3 space, 4 to 29 A to Z. A canvas has
no padding: its positions behind the text are <end>. The branch after the middle layer serves training alone
and is not stored.
"""
import json
import math

import torch
import torch.nn.functional as F
from torch import nn

BLANK, END, MASK, FIRST_CHARACTER = 0, 1, 2, 3
TOKENS = ["<blank>", "<end>", "<mask>", " "] + [chr(c) for c in range(ord("A"), ord("Z") + 1)]
MASKED, CAUSAL = 0, 1

CONFIG = {
    "architectures": ["MaskedSpeechModel"],
    "model_type": "s3_masked_speech",
    "hidden_size": 128,
    "num_attention_heads": 4,
    "head_dim": 32,
    "intermediate_size": 512,
    "encoder_layers": 8,
    "decoder_layers": 4,
    "hidden_act": "silu",
    "num_mel_bands": 64,
    "subsampling_channels": 32,
    "subsampling_kernel": 3,
    "subsampling_stride": 2,
    "subsampling_layers": 2,
    "subsampling_act": "relu",
    "depthwise_kernel": 15,
    "layer_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "sinusoid_base": 10000.0,
    "vocab_size": len(TOKENS),
    "blank_token_id": BLANK,
    "eos_token_id": END,
    "mask_token_id": MASK,
    "decoder_start_token_id": END,
    "first_character_id": FIRST_CHARACTER,
    "max_target_positions": 300,
    "canvas_smallest": 8,
    "canvas_room": 4,
    "torch_dtype": "float16",
}
DROPOUT = 0.1


def sinusoid(numbers, width, base=10000.0):
    """Rows of sines and cosines for the numbers, shape (..., width), float32."""
    half = width // 2
    rates = torch.exp(torch.arange(half, device=numbers.device, dtype=torch.float32) * (-math.log(base) / half))
    angles = numbers.float()[..., None] * rates
    return torch.cat([angles.sin(), angles.cos()], -1)


def rotary(positions, head_dim, theta):
    """Cosines and sines, shape (positions, head_dim / 2), of the positions."""
    rates = theta ** (-torch.arange(0, head_dim, 2, device=positions.device, dtype=torch.float32) / head_dim)
    angles = positions.float()[:, None] * rates
    return angles.cos(), angles.sin()


def rotate(x, turn):
    cosine, sine = turn
    first, second = x.chunk(2, -1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], -1)


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        width = config["hidden_size"]
        self.heads = config["num_attention_heads"]
        self.norm = nn.LayerNorm(width, config["layer_norm_eps"])
        for name in ("query", "key", "value", "output"):
            setattr(self, name, nn.Linear(width, width, bias=False))

    def split(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, x, turn=None, mask=None, memory=None):
        """The branch's result for x (batch, n, width); mask is True where a query may look."""
        normal = self.norm(x)
        source = normal if memory is None else memory
        query, key, value = self.split(self.query(normal)), self.split(self.key(source)), self.split(self.value(source))
        if turn is not None:
            query, key = rotate(query, turn), rotate(key, turn)
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return F.dropout(self.output(mixed.transpose(1, 2).flatten(2)), DROPOUT, self.training)


class FeedForward(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, inner = config["hidden_size"], config["intermediate_size"]
        self.norm = nn.LayerNorm(width, config["layer_norm_eps"])
        self.up = nn.Linear(width, inner, bias=False)
        self.down = nn.Linear(inner, width, bias=False)

    def forward(self, x):
        inner = F.dropout(F.silu(self.up(self.norm(x))), DROPOUT, self.training)
        return F.dropout(self.down(inner), DROPOUT, self.training)


class Convolution(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, kernel = config["hidden_size"], config["depthwise_kernel"]
        self.norm = nn.LayerNorm(width, config["layer_norm_eps"])
        self.expand = nn.Linear(width, 2 * width, bias=False)
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.depthwise_norm = nn.LayerNorm(width, config["layer_norm_eps"])
        self.output = nn.Linear(width, width, bias=False)

    def forward(self, x, keep):
        gated = F.glu(self.expand(self.norm(x)), -1) * keep
        mixed = self.depthwise(gated.transpose(1, 2)).transpose(1, 2)
        return F.dropout(self.output(F.silu(self.depthwise_norm(mixed))), DROPOUT, self.training)


class EncoderLayer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.attention, self.convolution, self.feed_forward = Attention(config), Convolution(config), FeedForward(config)

    def forward(self, x, turn, mask, keep):
        x = x + self.attention(x, turn, mask)
        x = x + self.convolution(x, keep)
        return x + self.feed_forward(x)


class DecoderLayer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.self_attention, self.cross_attention = Attention(config), Attention(config)
        self.feed_forward = FeedForward(config)

    def forward(self, x, turn, self_mask, memory, memory_mask):
        x = x + self.self_attention(x, turn, self_mask)
        x = x + self.cross_attention(x, None, memory_mask, memory)
        return x + self.feed_forward(x)


class Subsampling(nn.Module):
    def __init__(self, config):
        super().__init__()
        channels = config["subsampling_channels"]
        self.conv1 = nn.Conv2d(1, channels, 3, 2, 1)
        self.conv2 = nn.Conv2d(channels, channels, 3, 2, 1)
        self.projection = nn.Linear(channels * config["num_mel_bands"] // 4, config["hidden_size"])

    def forward(self, features, lengths):
        """Frames (batch, T2, width) and their numbers; features behind a recording's end are zeros."""
        x = features[:, None]
        for convolution in (self.conv1, self.conv2):
            x = F.relu(convolution(x))
            lengths = (lengths + 1) // 2
            x = x * keep_mask(lengths, x.shape[2])[:, None, :, None]
        return self.projection(x.transpose(1, 2).flatten(2)), lengths


def keep_mask(lengths, width):
    return torch.arange(width, device=lengths.device) < lengths[:, None]


class Encoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config["encoder_layers"]))
        self.norm = nn.LayerNorm(config["hidden_size"], config["layer_norm_eps"])


class Decoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        width = config["hidden_size"]
        self.embedding = nn.Parameter(torch.randn(config["vocab_size"], width) * 0.5)
        self.mode = nn.Parameter(torch.randn(2, width) * 0.5)
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config["decoder_layers"]))
        self.norm = nn.LayerNorm(width, config["layer_norm_eps"])
        self.head = nn.Linear(width, config["vocab_size"])


class Head(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.head = nn.Linear(config["hidden_size"], config["vocab_size"])


class MiddleHead(Head):
    """The CTC branch after the middle layer, of training alone."""

    def __init__(self, config):
        super().__init__(config)
        self.norm = nn.LayerNorm(config["hidden_size"], config["layer_norm_eps"])


class MaskedSpeechModel(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.subsampling, self.encoder, self.decoder = Subsampling(config), Encoder(config), Decoder(config)
        self.ctc, self.middle_ctc = Head(config), MiddleHead(config)

    def encode(self, features, lengths):
        """Returns encoder output (batch, T2, width), frame numbers, CTC log probabilities, those of the middle."""
        x, lengths = self.subsampling(features, lengths)
        keep = keep_mask(lengths, x.shape[1])
        mask = keep[:, None, None, :]
        turn = rotary(torch.arange(x.shape[1], device=x.device), self.config["head_dim"], self.config["rope_theta"])
        middle = None
        x = F.dropout(x, DROPOUT, self.training)
        for number, layer in enumerate(self.encoder.layers, 1):
            x = layer(x, turn, mask, keep[..., None])
            if number == len(self.encoder.layers) // 2 and self.training:
                middle = self.middle_ctc.head(self.middle_ctc.norm(x)).log_softmax(-1)
        x = self.encoder.norm(x)
        return x, lengths, self.ctc.head(x).log_softmax(-1), middle

    def memory(self, encoded, index):
        return encoded + sinusoid(index, self.config["hidden_size"], self.config["sinusoid_base"])

    def decode(self, ids, positions, modes, self_mask, memory, memory_lengths):
        """Logits (batch, n, vocabulary) for ids (batch, n); positions and modes have the shape (n)."""
        width = self.config["hidden_size"]
        place = sinusoid(positions + 1, width, self.config["sinusoid_base"])
        x = F.embedding(ids, self.decoder.embedding) + place + self.decoder.mode[modes]
        x = F.dropout(x, DROPOUT, self.training)
        turn = rotary(positions, self.config["head_dim"], self.config["rope_theta"])
        memory_mask = keep_mask(memory_lengths, memory.shape[1])[:, None, None, :]
        for layer in self.decoder.layers:
            x = layer(x, turn, self_mask, memory, memory_mask)
        return self.decoder.head(self.decoder.norm(x))


def greedy(log_probs):
    """Best id of each frame among blank and the characters, and True where a frame begins a character."""
    allowed = log_probs.clone()
    allowed[..., END] = allowed[..., MASK] = -math.inf
    best = allowed.argmax(-1)
    before = F.pad(best[..., :-1], (1, 0), value=BLANK)
    return best, (best != BLANK) & (best != before)


def save_config(path, config):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file, indent=2)
        file.write("\n")
