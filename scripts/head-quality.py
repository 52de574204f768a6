#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How good a model's heads are, on questions that it was not trained on: of the value head how well its last score of a sample is
calibrated (expected calibration error, ten bins) and sorts right samples from wrong ones (area under the curve); of the difficulty
head Spearman's correlation with how many of 16 samples are right.

    scripts/head-quality.py MODEL.gguf ROWS.jsonl [--lora ADAPTER.gguf] [--ponder PROGRAM] [--limit N]
"""
import argparse
import json
import subprocess
import tempfile


def same(answer, gold):
    try:
        return abs(float(answer) - float(str(gold).replace(",", ""))) < 1e-9
    except ValueError:
        return answer == str(gold)


def ranks(values):
    """Ranks, the mean of them for equal values."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    out = [0.0] * len(values)
    at = 0
    while at < len(order):
        end = at
        while end + 1 < len(order) and values[order[end + 1]] == values[order[at]]:
            end += 1
        for i in range(at, end + 1):
            out[order[i]] = (at + end) / 2
        at = end + 1
    return out


def correlation(a, b):
    n = len(a)
    mean_a, mean_b = sum(a) / n, sum(b) / n
    cov = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b))
    var = sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b)
    return cov / var ** 0.5 if var > 0 else float("nan")


def events(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def ask(args, *options):
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as trace:
        command = [args.ponder, "eval", "-m", args.model, "--data", args.rows, "--limit", str(args.limit), "--max-tokens", "96", "--quiet"]
        command += (["--lora", args.lora] if args.lora else []) + list(options)
        kind = "--trace" if "--verifier" in options else "--out"
        path = trace.name if kind == "--trace" else trace.name + ".out"
        subprocess.run(command + [kind, path], check=True, stdout=subprocess.DEVNULL)
        return list(events(path))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("rows")
    parser.add_argument("--lora")
    parser.add_argument("--ponder", default="build/ponder")
    parser.add_argument("--limit", type=int, default=1000000)
    args = parser.parse_args()
    gold = {str(row["id"]): row["answer"] for row in events(args.rows)}

    scored, passed, answer, score = [], {}, {}, {}
    row = None
    for event in ask(args, "--strategy", "majority", "--samples", "16", "--confidence", "1",
                     "--verifier", "head"):
        kind = event["event"]
        if kind == "question":
            row, answer, score = str(event["id"]), {}, {}
        elif kind == "end":
            answer[event["path"]] = event["answer"]
        elif kind == "score" and event["score"] is not None:
            score[event["path"]] = event["score"]
        elif kind == "answer":
            right = {path: same(text, gold[row]) for path, text in answer.items()}
            passed[row] = sum(right.values()) / 16
            scored += [(score[path], right[path]) for path in right if path in score]
    if scored:
        bins = [[] for _ in range(10)]
        for value, right in scored:
            bins[min(int(value * 10), 9)].append((value, right))
        error = sum(abs(sum(v for v, _ in b) - sum(r for _, r in b)) for b in bins) / len(scored)
        rank = ranks([value for value, _ in scored])
        n_right = sum(right for _, right in scored)
        area = sum(r for r, (_, right) in zip(rank, scored) if right) - n_right * (n_right - 1) / 2
        area /= max(n_right * (len(scored) - n_right), 1)
        print(f"value head: {len(scored)} samples, {100 * n_right / len(scored):.1f}% right; calibration error {error:.3f}, area {area:.3f}")
    chance = {str(r["id"]): r.get("difficulty") for r in ask(args, "--strategy", "auto", "--table", "none", "--samples", "1")}
    both = [(chance[i], passed[i]) for i in passed if chance.get(i) is not None]
    if both:
        spearman = correlation(ranks([a for a, _ in both]), ranks([b for _, b in both]))
        print(f"difficulty head: {len(both)} questions, Spearman {spearman:.3f} with the share of 16 samples that are right")


if __name__ == "__main__":
    main()
