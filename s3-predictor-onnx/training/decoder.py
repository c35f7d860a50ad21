"""Decodes many prompts at once with a model of the Llama family, and shows the hidden states of a layer."""
import torch
import torch.nn.functional as F

ROOM = 64  # tokens by which the cache grows


class Layer:
    """The weights of a layer, with the products that read the same input side by side."""

    def __init__(self, layer):
        attention, mlp = layer.self_attn, layer.mlp
        self.query_key_value = torch.cat([p.weight for p in (attention.q_proj, attention.k_proj, attention.v_proj)])
        self.output = attention.o_proj.weight
        self.gate_up = torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight])
        self.down = mlp.down_proj.weight
        self.before = layer.input_layernorm.weight, layer.post_attention_layernorm.weight


class Decoder:
    """A model with the keys and values of a batch of sequences that advance together, a token a step.

    Sequences have prompts of different lengths. The keys and values are in half precision on a GPU.
    """

    def __init__(self, llama, layer):
        config = llama.config
        if not 1 <= layer <= len(llama.layers):
            raise SystemExit(f"--layer: the model has the layers 1 to {len(llama.layers)}, not {layer}")
        self.layers = [Layer(one) for one in llama.layers]
        self.embedding, self.norm = llama.embed_tokens.weight, llama.norm.weight
        self.absent = (self.embedding == 0).all(1)  # tokens without an embedding are never drawn
        self.epsilon, self.shown = config.rms_norm_eps, layer
        self.heads, self.kv_heads = config.num_attention_heads, config.num_key_value_heads
        self.size = getattr(config, "head_dim", None) or config.hidden_size // self.heads
        self.device = self.embedding.device
        self.kind = torch.float16 if self.device.type == "cuda" else torch.float32
        theta = config.rope_parameters["rope_theta"]
        self.rates = theta ** -(torch.arange(0, self.size, 2, device=self.device).float() / self.size)
        self.keys, self.values, self.lengths = [], [], None

    @torch.no_grad()
    def start(self, encoded, tokens_at_once=131072):
        """Reads the prompts; returns (logits, hidden states) of each prompt's last token."""
        self.lengths = torch.tensor([len(ids) for ids in encoded], device=self.device)
        shape = (len(encoded), self.kv_heads, int(self.lengths.max()) + ROOM, self.size)
        self.keys = [torch.zeros(shape, dtype=self.kind, device=self.device) for _ in self.layers]
        self.values = [torch.zeros(shape, dtype=self.kind, device=self.device) for _ in self.layers]
        order = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
        logits, states = [], []
        at = 0
        while at < len(order):
            rows = order[at:at + max(1, tokens_at_once // len(encoded[order[min(at + 4095, len(order) - 1)]]))][:4096]
            one, two = self.read([encoded[i] for i in rows], torch.tensor(rows, device=self.device))
            logits.append(one)
            states.append(two)
            at += len(rows)
        back = torch.argsort(torch.tensor(order, device=self.device))
        return torch.cat(logits)[back], torch.cat(states)[back]

    def read(self, encoded, rows):
        width = max(map(len, encoded))
        ids = torch.tensor([ids + [0] * (width - len(ids)) for ids in encoded], device=self.device)
        positions = torch.arange(width, device=self.device).expand(len(encoded), width)

        def attend(number, queries, keys, values):
            self.keys[number][rows, :, :width] = keys.to(self.kind)
            self.values[number][rows, :, :width] = values.to(self.kind)
            shared = self.heads // self.kv_heads
            return F.scaled_dot_product_attention(
                queries.to(self.kind), keys.to(self.kind).repeat_interleave(shared, 1),
                values.to(self.kind).repeat_interleave(shared, 1), is_causal=True)

        return self.forward(ids, positions, self.lengths[rows] - 1, attend)

    @torch.no_grad()
    def step(self, tokens, made):
        """Computes each sequence's output token number `made`; returns (logits, hidden states)."""
        positions = self.lengths + made - 1
        width = int(self.lengths.max()) + made
        rows = torch.arange(len(tokens), device=self.device)
        hidden = (torch.arange(width, device=self.device) > positions[:, None])[:, None, None]

        def attend(number, queries, keys, values):
            self.keys[number][rows, :, positions] = keys[:, :, 0].to(self.kind)
            self.values[number][rows, :, positions] = values[:, :, 0].to(self.kind)
            grouped = queries.view(len(tokens), self.kv_heads, -1, self.size).to(self.kind)
            scores = grouped @ self.keys[number][:, :, :width].transpose(2, 3)
            shares = torch.softmax((scores.float() * self.size ** -0.5).masked_fill(hidden, -torch.inf), dim=-1)
            return (shares.to(self.kind) @ self.values[number][:, :, :width]).view(queries.shape)

        last = torch.zeros_like(positions)
        return self.forward(tokens[:, None], positions[:, None], last, attend)

    def keep(self, rows, made):
        """Keeps only these sequences, with room for further tokens after `made`."""
        self.lengths = self.lengths[rows]
        width = int(self.lengths.max()) + made
        for cache in (self.keys, self.values):
            for number, old in enumerate(cache):
                cache[number] = F.pad(old[rows, :, :width], (0, 0, 0, ROOM))

    def forward(self, ids, positions, last, attend):
        stream = F.embedding(ids, self.embedding)
        angles = positions[..., None].float() * self.rates
        turn = torch.cat([angles, angles], -1)[:, None]
        cos, sin = turn.cos(), turn.sin()
        rows, states = torch.arange(len(ids), device=self.device), None
        for number, layer in enumerate(self.layers):
            queries, keys, values = self.project(stream, layer)
            attended = attend(number, rotate(queries, cos, sin), rotate(keys, cos, sin), values)
            attended = attended.transpose(1, 2).reshape(*ids.shape, -1).to(stream.dtype)
            stream = stream + attended @ layer.output.T
            gate, up = (self.normed(stream, layer.before[1]) @ layer.gate_up.T).chunk(2, -1)
            stream = stream + (F.silu(gate) * up) @ layer.down.T
            if number + 1 == self.shown:
                states = stream[rows, last]
        logits = self.normed(stream[rows, last], self.norm) @ self.embedding.T
        return logits.masked_fill(self.absent, -torch.inf), states

    def project(self, stream, layer):
        both = self.normed(stream, layer.before[0]) @ layer.query_key_value.T
        sizes = [self.heads * self.size, self.kv_heads * self.size, self.kv_heads * self.size]
        return [part.unflatten(-1, (-1, self.size)).transpose(1, 2) for part in both.split(sizes, -1)]

    def normed(self, values, weight):
        return F.rms_norm(values, weight.shape, weight, self.epsilon)


def rotate(heads, cos, sin):
    one, two = heads.chunk(2, -1)
    return heads * cos + torch.cat([-two, one], -1) * sin
