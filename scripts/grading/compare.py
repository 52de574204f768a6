#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Grades pairs of answers here and by the PyPI package math-verify, and lists where the two disagree.

    make && pip install math-verify
    scripts/grading/compare.py --data ../shared/data/math_train.jsonl [--pairs 5000] [--seed 1] [--out FILE.tsv]
"""
import argparse
import collections
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))
import pairs as maker  # noqa: E402


def ours(build, made):
    here = os.path.dirname(__file__)
    program = os.path.join(build, "grading_equal")
    subprocess.run([os.environ.get("CC", "cc"), "-O2", "-Isrc", os.path.join(here, "equal.c"),
                    os.path.join(build, "libponder.a"), "-pthread", "-o", program], check=True)
    text = "".join("%s\n%s\n" % (prediction, gold) for _, prediction, gold in made)
    out = subprocess.run([program], input=text, capture_output=True, text=True, check=True).stdout.split()
    return [line == "1" for line in out[:-1]], int(out[-1])


def theirs(made):
    from math_verify import (ExprExtractionConfig, LatexExtractionConfig, StringExtractionConfig, parse, verify)
    config = [LatexExtractionConfig(), ExprExtractionConfig(), StringExtractionConfig()]

    def read(answer):
        return parse("$%s$" % answer, extraction_config=config)

    begin = time.process_time()
    verdicts = [bool(verify(read(gold), read(prediction))) for _, prediction, gold in made]
    return verdicts, time.process_time() - begin


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="../shared/data/math_train.jsonl")
    parser.add_argument("--pairs", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--build", default="build")
    parser.add_argument("--out", help="disagreements, tab-separated")
    options = parser.parse_args()

    made = maker.pairs(options.data, options.pairs, options.seed)
    here, ns_here = ours(options.build, made)
    there, seconds_there = theirs(made)
    apart = [(kind, p, g, a, b) for (kind, p, g), a, b in zip(made, here, there) if a != b]
    n = len(made)
    print("%d pairs, %d the same by ponder, %d by math-verify; they agree on %d (%.2f%%)"
          % (n, sum(here), sum(there), n - len(apart), 100 * (n - len(apart)) / n))
    print("per pair: ponder %.1f us of one core, math-verify %.0f us" % (ns_here / 1e3, 1e6 * seconds_there / n))
    for kind, count in collections.Counter(kind for kind, *_ in apart).most_common():
        print("%5d %s" % (count, kind))
    if options.out:
        with open(options.out, "w", encoding="utf-8") as out:
            for kind, prediction, gold, a, b in sorted(apart):
                out.write("%s\t%s\t%s\t%s\t%s\n" % (kind, prediction, gold, "same" if a else "other",
                                                    "same" if b else "other"))


if __name__ == "__main__":
    main()
