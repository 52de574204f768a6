#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what we believe of each model family (rope style, norms, windows, biases...) against llama.cpp.

    pip install numpy gguf llama-cpp-python && scripts/check-families.py [GGUF ...]

Writes random little models of every family with the tests' own code, and compares the logits of the tests'
float64 reference (tests/support/reference.c), of scripts/logits/numpy_model.py and of llama.cpp (with keys and
values in float) on a prompt longer than the sliding window. Files given as arguments are compared as well.
Prints the largest difference as a share of the logits' standard deviation; exits with 1 if a little model in
float weights is further away than it should be, or one of the given files has another likeliest token where
that one is twice as likely as the next.
"""
import pathlib
import subprocess
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/families"
sys.path.insert(0, str(ROOT / "scripts/logits"))
import numpy_model  # noqa: E402

CASES = [
    ("llama", "F32", []),
    ("llama", "F32", ["untied"]),
    ("llama", "F32", ["rope-freqs"]),
    ("llama", "F32", ["rope-factor=4"]),
    ("qwen2", "F32", []),
    ("qwen2", "F32", ["untied"]),
    ("qwen3", "F32", []),
    ("gemma3", "F32", []),
    ("gemma3", "F32", ["rope-factor=8"]),
    ("llama", "Q4_0", []),
    ("qwen3", "Q8_0", []),
    ("gemma3", "Q4_K", []),
]
# Float arithmetic differs by some 1e-6; gemma3's by more, as llama.cpp rounds GELU to half.
BOUND = {"llama": 1e-4, "qwen2": 1e-4, "qwen3": 1e-4, "gemma3": 5e-3}
TEXT = "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May."
N_TOKENS = 53


def build():
    BUILD.mkdir(parents=True, exist_ok=True)
    subprocess.run(["make", "-s", "lib"], cwd=ROOT, check=True)
    support = ("reference", "tiny_model", "tiny_vocab", "gguf_builder")
    sources = [*(str(p) for p in ROOT.glob("quant/encode*.c")), *(f"tests/support/{name}.c" for name in support)]
    for tool in ("write_tiny", "reference_logits"):
        command = ["cc", "-std=c11", "-O2", "-ffp-contract=off", "-Isrc", "-I."]
        command += [f"scripts/families/{tool}.c", *sources, "build/libponder.a", "-lm", "-pthread", "-o", str(BUILD / tool)]
        subprocess.run(command, cwd=ROOT, check=True)


def reference(path, tokens):
    np.array(tokens, dtype="<i4").tofile(BUILD / "tokens")
    subprocess.run([BUILD / "reference_logits", path, BUILD / "tokens", BUILD / "logits"], check=True)
    return np.fromfile(BUILD / "logits", dtype="<f8").reshape(len(tokens), -1)


def llama_cpp_logits(path, tokens):
    """Of tokens, or of TEXT if tokens is None; with the tokens."""
    import llama_cpp

    f32 = 0
    llama = llama_cpp.Llama(
        str(path), n_ctx=256, n_threads=2, logits_all=True, type_k=f32, type_v=f32, verbose=False
    )
    tokens = tokens or llama.tokenize(TEXT.encode())
    llama.eval(tokens)
    return np.array(llama.scores[: len(tokens)], dtype=np.float64), tokens


def difference(a, b):
    return abs(a - b).max() / b.std()


def likeliest_differ(a, b):
    """Share of positions where b's likeliest token is not a's though it is twice as likely as the next."""
    top = np.sort(b, axis=1)[:, -2:]
    clear = top[:, 1] - top[:, 0] > np.log(2)
    return (clear & (a.argmax(axis=1) != b.argmax(axis=1))).mean()


def bad_mark(is_bad):
    return "  BAD" if is_bad else ""


def main():
    build()
    bad = False
    for family, fmt, options in CASES:
        path = BUILD / "tiny.gguf"
        subprocess.run([BUILD / "write_tiny", path, family, fmt, *options], check=True)
        tokens = [int(t) for t in np.random.default_rng(1).integers(0, 300, N_TOKENS)]
        exact = reference(path, tokens)
        numpy = difference(numpy_model.Model(path).forward(tokens), exact)
        llama = difference(llama_cpp_logits(path, tokens)[0], exact)
        is_bad = numpy > 1e-6 or (fmt == "F32" and llama > BOUND[family])
        bad |= is_bad
        print(f"{family:7} {fmt:5} {' '.join(options):14} numpy {numpy:.1e}  llama.cpp {llama:.1e}{bad_mark(is_bad)}")
    for path in sys.argv[1:]:
        found, tokens = llama_cpp_logits(path, None)
        exact = reference(path, tokens)
        numpy = difference(numpy_model.Model(path).forward(tokens), exact)
        differ = likeliest_differ(found, exact)
        is_bad = numpy > 1e-6 or differ > 0
        bad |= is_bad
        print(
            f"{path}: numpy {numpy:.1e}  llama.cpp {difference(found, exact):.1e},"
            f" other likeliest token at {100 * differ:.0f}%{bad_mark(is_bad)}"
        )
    sys.exit(int(bad))


if __name__ == "__main__":
    main()
