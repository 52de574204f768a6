# SPDX-License-Identifier: Apache-2.0
"""A language model from a GGUF file in NumPy, in double precision on the dequantised weights.

Independent of the C code: it reads the file through the PyPI package `gguf`. `Rounding` says where numbers are
rounded on the way, to find out what each rounding of an engine costs; by default nowhere.
"""
import dataclasses

import gguf
import numpy as np

WINDOW_PERIOD = {"gemma3": 6}  # of so many layers the last sees all positions, the others a window
NEOX = {"qwen2", "qwen3", "gemma3"}


def int8_blocks(x, block, scale_type=np.float64):
    """Rounds rows of x to int8 with one scale a block, as engines do before an integer product."""
    blocks = x.reshape(-1, block)
    d = (np.abs(blocks).max(axis=1, keepdims=True) / 127).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        q = np.where(d > 0, np.rint(blocks / d), 0)
    d = d.astype(scale_type).astype(np.float64)
    return (q * d).reshape(x.shape)


@dataclasses.dataclass
class Rounding:
    """Each is a function on an array, or None for none."""

    inputs: dict = dataclasses.field(default_factory=dict)  # matrix ("attn_q", "output"...) -> rounding
    kv: object = None  # of keys (after rope) and values
    q: object = None
    probabilities: object = None
    activation: object = None  # of what SiLU or GELU is taken of


def identity(x):
    return x


class Model:
    def __init__(self, path):
        reader = gguf.GGUFReader(path)
        self.fields = reader.fields
        self.tensors = {t.name: t for t in reader.tensors}
        self.cache = {}
        self.family = self.fields["general.architecture"].contents()
        get = self.hparam
        self.n_layers = get("block_count")
        self.n_embd = get("embedding_length")
        self.n_heads = get("attention.head_count")
        self.n_kv_heads = get("attention.head_count_kv", self.n_heads)
        self.head_dim = get("attention.key_length", self.n_embd // self.n_heads)
        self.rope_dim = get("rope.dimension_count", self.head_dim)
        self.eps = get("attention.layer_norm_rms_epsilon")
        self.rope_base = get("rope.freq_base", 10000.0)
        scaling = get("rope.scaling.type", "none")
        self.rope_scale = 1 / get("rope.scaling.factor") if scaling == "linear" else 1.0
        self.window = get("attention.sliding_window", 0) if self.family == "gemma3" else 0
        self.head = "output" if "output.weight" in self.tensors else "token_embd"

    def hparam(self, key, default=None):
        field = self.fields.get(f"{self.family}.{key}")
        if field is None and default is None:
            raise KeyError(key)
        return default if field is None else field.contents()

    def raw(self, name):
        t = self.tensors[name]
        return gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float32)

    def weight(self, name):
        """Float32, cached: the values are floats, so nothing is lost."""
        if name not in self.cache:
            self.cache[name] = self.raw(name)
        return self.cache[name]

    def has(self, name):
        return name in self.tensors

    def norm(self, x, name):
        mean = (x * x).mean(axis=-1, keepdims=True)
        return x / np.sqrt(mean + self.eps) * self.weight(name)

    def rope(self, x, base, scale):
        """x: [tokens][heads][head_dim], in place of positions 0, 1, ..."""
        half = self.rope_dim // 2
        frequency = base ** (-2.0 * np.arange(half) / self.rope_dim)
        if self.has("rope_freqs.weight"):
            frequency = frequency / self.weight("rope_freqs.weight")
        angle = np.arange(x.shape[0])[:, None, None] * scale * frequency
        cos, sin = np.cos(angle), np.sin(angle)
        y = x.copy()
        if self.family in NEOX:
            first, second = slice(0, half), slice(half, 2 * half)
        else:
            first, second = slice(0, 2 * half, 2), slice(1, 2 * half, 2)
        y[..., first] = x[..., first] * cos - x[..., second] * sin
        y[..., second] = x[..., first] * sin + x[..., second] * cos
        return y

    def linear(self, x, name, rounding, matrix=None):
        x = rounding.inputs.get(matrix or name.split(".")[-1], identity)(x)
        y = x @ self.weight(name + ".weight").astype(np.float64).T
        if self.has(name + ".bias"):
            y = y + self.weight(name + ".bias")
        return y

    def attention(self, x, layer, rounding):
        b = f"blk.{layer}."
        n = x.shape[0]
        q = self.linear(x, b + "attn_q", rounding).reshape(n, self.n_heads, self.head_dim)
        k = self.linear(x, b + "attn_k", rounding).reshape(n, self.n_kv_heads, self.head_dim)
        v = self.linear(x, b + "attn_v", rounding).reshape(n, self.n_kv_heads, self.head_dim)
        if self.has(b + "attn_q_norm.weight"):
            q = self.norm(q, b + "attn_q_norm.weight")
            k = self.norm(k, b + "attn_k_norm.weight")
        period = WINDOW_PERIOD.get(self.family, 0)
        windowed = self.window > 0 and (layer + 1) % period != 0
        base, scale = (10000.0, 1.0) if windowed else (self.rope_base, self.rope_scale)
        q, k = self.rope(q, base, scale), self.rope(k, base, scale)
        rk = rounding.kv or identity
        k, v = rk(k), rk(v)
        q = (rounding.q or identity)(q)
        distance = np.arange(n)[:, None] - np.arange(n)[None, :]
        hidden = (distance < 0) | (windowed & (distance >= self.window))
        out = np.empty_like(q)
        for h in range(self.n_heads):
            g = h // (self.n_heads // self.n_kv_heads)
            s = q[:, h] @ k[:, g].T / np.sqrt(self.head_dim)
            s = np.where(hidden, -np.inf, s)
            p = np.exp(s - s.max(axis=1, keepdims=True))
            p = (rounding.probabilities or identity)(p)
            out[:, h] = p @ v[:, g] / p.sum(axis=1, keepdims=True)
        return self.linear(out.reshape(n, -1), b + "attn_output", rounding)

    def ffn(self, x, layer, rounding):
        b = f"blk.{layer}."
        gate = self.linear(x, b + "ffn_gate", rounding)
        up = self.linear(x, b + "ffn_up", rounding)
        gate = (rounding.activation or identity)(gate)
        if self.family == "gemma3":
            gate = gate / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (gate + 0.044715 * gate**3)))
        else:
            gate = gate / (1 + np.exp(-gate))
        return self.linear(gate * up, b + "ffn_down", rounding)

    def forward(self, tokens, rounding=None):
        """Logits of every position: float64 [tokens][n_vocab]."""
        rounding = rounding or Rounding()
        x = self.weight("token_embd.weight")[tokens].astype(np.float64)
        if self.family == "gemma3":
            x = x * np.float32(np.sqrt(self.n_embd))
        for layer in range(self.n_layers):
            b = f"blk.{layer}."
            y = self.attention(self.norm(x, b + "attn_norm.weight"), layer, rounding)
            if self.has(b + "post_attention_norm.weight"):
                y = self.norm(y, b + "post_attention_norm.weight")
            x = x + y
            y = self.ffn(self.norm(x, b + "ffn_norm.weight"), layer, rounding)
            if self.has(b + "post_ffw_norm.weight"):
                y = self.norm(y, b + "post_ffw_norm.weight")
            x = x + y
        x = rounding.inputs.get("output", identity)(self.norm(x, "output_norm.weight"))
        head = self.weight(self.head + ".weight")
        logits = np.empty((x.shape[0], head.shape[0]))
        for start in range(0, head.shape[0], 16384):
            logits[:, start : start + 16384] = x @ head[start : start + 16384].astype(np.float64).T
        return logits
