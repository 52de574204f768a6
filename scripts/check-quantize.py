#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what ponder-quantize writes against other implementations: gguf reads it, llama.cpp runs it.

    make quantize && pip install numpy gguf llama-cpp-python && scripts/check-quantize.py [MODEL.gguf]

Writes the model (models/smollm2-135m.gguf) in every format. gguf must find the same metadata, and weights whose root
mean square difference from the source's is what the format allows; llama.cpp's perplexity on the beginning
of README.md must be near ponder's. Prints a line a format; exits with 1 if one is wrong, with 77 if a package or the model is
missing.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / os.environ.get("BUILD", "build")
TEXT_BYTES = 2000
# Largest root mean square error of weights, as a share of theirs, from sources of at least 4 bits.
BOUNDS = {"F32": 1e-7, "F16": 4e-4, "BF16": 3e-3, "Q8_0": 0.01, "Q6_K": 0.025, "Q5_K": 0.06, "Q5_1": 0.06,
          "Q5_0": 0.06, "Q4_K": 0.1, "Q4_1": 0.1, "Q4_0": 0.12}
PERPLEXITY_BOUND = 0.02
OURS = {"general.file_type", "general.quantization_version"}

try:
    import gguf
    import llama_cpp
    import numpy as np
except ImportError as error:
    print(f"skip - check-quantize # no package {error.name}")
    sys.exit(77)


def read(path):
    reader = gguf.GGUFReader(path)
    fields = {k: v.contents() for k, v in reader.fields.items() if not k.startswith("GGUF.") and k not in OURS}
    return fields, {t.name: t for t in reader.tensors}


def weights(tensor):
    return gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float64)


def worst_error(source, result):
    worst = 0.0
    for name, tensor in result.items():
        if name.startswith("blk.") and len(tensor.shape) > 1:
            a, b = weights(source[name]), weights(tensor)
            worst = max(worst, float(np.sqrt(np.mean((a - b) ** 2) / np.mean(a**2))))
    return worst


def llama_perplexity(path, text):
    """As ponder-quantize does: sequences of 512 tokens, each on its own."""
    model = llama_cpp.Llama(str(path), n_ctx=512, n_batch=512, logits_all=True, verbose=False)
    tokens = model.tokenize(text, add_bos=model.metadata.get("tokenizer.ggml.add_bos_token") == "true")
    total, count = 0.0, 0
    for begin in range(0, len(tokens) - 1, 512):
        part = tokens[begin : begin + 512]
        model.reset()
        model.eval(part)
        logits = np.array(model.scores[: len(part) - 1], dtype=np.float64)
        top = logits.max(axis=1, keepdims=True)
        log_sum = top[:, 0] + np.log(np.exp(logits - top).sum(axis=1))
        total += float((log_sum - logits[np.arange(len(part) - 1), part[1:]]).sum())
        count += len(part) - 1
    return float(np.exp(total / count))


def main():
    model = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "models/smollm2-135m.gguf")
    if not model.exists():
        print(f"skip - check-quantize # no {model}")
        return 77
    text = (ROOT / "README.md").read_bytes()[:TEXT_BYTES]
    fields, source = read(model)
    n_wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        sample, out = pathlib.Path(folder) / "text.txt", pathlib.Path(folder) / "out.gguf"
        sample.write_bytes(text)
        for name, bound in BOUNDS.items():
            command = [BUILD / "ponder-quantize", model, out, "--type", name, "--plain", "--eval", sample]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            ours = float(re.findall(r"perplexity ([0-9.]+)", said)[-1])
            new_fields, result = read(out)
            error = worst_error(source, result)
            theirs = llama_perplexity(out, text)
            wrong = [what for what, is_wrong in (
                ("metadata", new_fields != fields),
                ("weights", error > bound or list(result) != list(source)),
                ("perplexity", abs(theirs / ours - 1) > PERPLEXITY_BOUND)) if is_wrong]
            n_wrong += bool(wrong)
            print(f"{'not ok' if wrong else 'ok'} - {name}: error of weights {error:.5f}, perplexity {ours:.3f},"
                  f" llama.cpp's {theirs:.3f}" + (f" # wrong: {', '.join(wrong)}" if wrong else ""))
    return 1 if n_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
