#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How far the engine's and llama.cpp's logits are from an exact evaluation of the same GGUF file.

    scripts/logits/compare.py MODEL --data math_train.jsonl [--dump build/dump_logits] [--experiments]

Twenty prompts of 64 to 256 tokens, every position counted. Reported: mean and largest Kullback-Leibler
divergence KL(exact || engine) in nats, with the standard error over prompts, and the share of positions where the
likeliest token is the same. --experiments rounds one thing at a time in the exact model instead.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np

import numpy_model
from numpy_model import Rounding, int8_blocks

N_PROMPTS, SHORTEST, LONGEST = 20, 64, 256


def read_prompts(path, tokenize):
    """Rows spread over the file, each with as many followers as its length asks for."""
    rows = [json.loads(line) for line in open(path, encoding="utf-8")]
    for i in range(N_PROMPTS):
        n = SHORTEST + round(i * (LONGEST - SHORTEST) / (N_PROMPTS - 1))
        text, row = "", i * len(rows) // N_PROMPTS
        tokens = []
        while len(tokens) < n:
            text += f"Question: {rows[row]['question']}\nAnswer: {rows[row]['solution']}\n\n"
            tokens = tokenize(text)
            row += 1
        yield tokens[:n]


def log_softmax(logits):
    logits = logits - logits.max(axis=1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


class Score:
    def __init__(self, name):
        self.name, self.prompt_means, self.kl, self.same = name, [], [], []

    def add(self, exact, logits):
        """exact: log-probabilities; both [tokens][n_vocab]."""
        kl, same = [], []
        for a, b in zip(exact, logits):  # row by row: a vocabulary of 262144 is large
            b = log_softmax(b[None].astype(np.float64))[0]
            kl.append(float(np.exp(a) @ (a - b)))
            same.append(a.argmax() == b.argmax())
        self.prompt_means.append(np.mean(kl))
        self.kl += kl
        self.same += same

    def __str__(self):
        means = np.array(self.prompt_means)
        error = means.std(ddof=1) / np.sqrt(len(means)) if len(means) > 1 else float("nan")
        return (
            f"{self.name:34} mean KL {np.mean(self.kl):.6f} +- {error:.6f}  median {np.median(self.kl):.6f}"
            f"  max {np.max(self.kl):.4f}  same top token {100 * np.mean(self.same):.2f}%"
        )


def dumped(program, model, tokens, n_vocab, isa):
    with tempfile.TemporaryDirectory(dir="build") as folder:
        folder = pathlib.Path(folder)
        np.array(tokens, dtype="<i4").tofile(folder / "tokens")
        command = [program, model, folder / "tokens", folder / "logits"] + ([isa] if isa else [])
        subprocess.run(command, check=True)
        return np.fromfile(folder / "logits", dtype="<f4").reshape(len(tokens), n_vocab)


def half(x):
    return x.astype(np.float16).astype(np.float64)


def int8(block, scale=np.float64):
    return lambda x: int8_blocks(x, block, scale)


def experiments(model):
    """Name and rounding: what each of an engine's roundings costs by itself."""
    matrices = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"]
    everything = matrices + ["output"]
    k_types = {t.name.split(".")[-2] for t in model.tensors.values() if t.tensor_type.name.endswith("_K")}
    mixed = {m: int8(256) if m in k_types else int8(32, np.float16) for m in everything}
    yield "inputs int8/32, all", Rounding({m: int8(32) for m in everything})
    yield "inputs int8/32 half scale, all", Rounding({m: int8(32, np.float16) for m in everything})
    yield "inputs int8/256 for K types", Rounding(mixed)
    yield "inputs int8/32, layers only", Rounding({m: int8(32) for m in matrices})
    for group in (["attn_q", "attn_k", "attn_v"], ["attn_output"], ["ffn_gate", "ffn_up"], ["ffn_down"], ["output"]):
        yield f"inputs int8/32, {'+'.join(group)}", Rounding({m: int8(32) for m in group})
    yield "keys and values half", Rounding(kv=half)
    yield "keys and values int8/32", Rounding(kv=int8(32))
    yield "keys and values int8/head", Rounding(kv=int8(model.head_dim))
    yield "queries half", Rounding(q=half)
    yield "gate half", Rounding(activation=half)
    yield "int8/32 all, kv half", Rounding({m: int8(32) for m in everything}, kv=half)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--data", required=True)
    parser.add_argument("--dump", help="the program built from scripts/logits/dump_logits.c")
    parser.add_argument("--isa", help="instruction set for --dump")
    parser.add_argument("--experiments", action="store_true")
    parser.add_argument("--prompts", type=int, default=N_PROMPTS, help="only the first so many")
    args = parser.parse_args()

    import llama_cpp

    llama = llama_cpp.Llama(args.model, n_ctx=512, n_threads=2, n_threads_batch=2, logits_all=True, verbose=False)
    exact_model = numpy_model.Model(args.model)
    scores = {}
    positions = 0
    for i, tokens in enumerate(read_prompts(args.data, lambda text: llama.tokenize(text.encode()))):
        if i == args.prompts:
            break
        positions += len(tokens)
        exact = log_softmax(exact_model.forward(tokens))
        llama.reset()
        llama.eval(tokens)
        found = {"llama.cpp": np.array(llama.scores[: len(tokens)])}
        if args.dump:
            found["ponder"] = dumped(args.dump, args.model, tokens, exact.shape[1], args.isa)
        for name, rounding in experiments(exact_model) if args.experiments else ():
            scores.setdefault(name, Score(name)).add(exact, exact_model.forward(tokens, rounding))
        for name, logits in found.items():
            scores.setdefault(name, Score(name)).add(exact, logits)
    print(f"{pathlib.Path(args.model).name}: {i + 1 if i < args.prompts else i} prompts, {positions} positions")
    for score in scores.values():
        print(score)
    if args.dump:
        ratio = np.mean(scores["ponder"].kl) / np.mean(scores["llama.cpp"].kl)
        print(f"mean KL of ponder / of llama.cpp: {ratio:.3f} (at most 1.1 wanted)")


if __name__ == "__main__":
    main()
