#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pairs ponder with llama.cpp: the same GGUF, threads, machine and run, one after the other, several times.

    make bench [ISA=avx2] [R=5] [THREADS=2] [BENCH=quick] [MODELS="Q4_1 gemma"]

Every measurement is a line of build/bench/ISA-threads.jsonl; a run that is started again (RESUME=1) goes on after what is
there. The table gives medians, the median of the paired ratios, and their lowest and highest. Where llama.cpp can be
run in several ways (flash attention on and off, one cache for all sequences or one each) each is measured once, and
the best for each figure is the one compared.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys

LANES = (1, 16, 32)
# name: (file, made by llama-quantize from, its options), and targets: 1 lane, 16 and 32 lanes behind 128
# and behind 512 tokens, prefill, scoring.
MODELS = {
    "Q4_0": ("smollm2-135m-q4_0.gguf", ["--output-tensor-type", "q8_0", "--token-embedding-type", "q8_0"], "Q4_0"),
    "Q4_1": ("smollm2-135m.gguf", None, None),
    "Q8_0": ("smollm2-135m-q8_0.gguf", [], "Q8_0"),
    "gemma": ("gemma3-270m.gguf", None, None),
    "random": ("random-q8_0.gguf", None, None),
}
TARGETS = {"Q4_0": (2, 3, 3.5, 2, 2), "Q4_1": (2.2, 7, 8, 5, 5), "Q8_0": (2.2, 4.5, 5, 2.5, 2.5),
           "gemma": (1.8, 3.5, 4, 2.5, 2.5)}


def target(model, figure):
    """The least ratio, or for times and memory the most."""
    if figure == "file to first token, ms":
        return 0.5
    if figure == "peak memory, 16 lanes, MB":
        return 0.7
    if model not in TARGETS:
        return None
    one, many, long, prefill, score = TARGETS[model]
    if figure.startswith("decode, 1 lane"):
        return one
    if figure.startswith("decode"):
        return long if "512" in figure else many
    return prefill if figure.startswith("prefill") else score


def is_smaller_better(figure):
    return figure.endswith(("ms", "MB"))


class Bench:
    def __init__(self, args):
        self.args = args
        self.bin = f"{args.peer}/{'avx2' if args.isa == 'avx2' else 'native'}/bin"
        self.rows = []
        name = f"{args.isa or 'native'}-{args.threads}.jsonl"
        self.path = os.path.join(args.out, name)
        if args.resume and os.path.exists(self.path):
            with open(self.path) as file:
                self.rows = [json.loads(line) for line in file]
        self.file = open(self.path, "a" if args.resume else "w")

    def run(self, command):
        """Lines of JSON that the command printed, and the most memory it took, in MB."""
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        text = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"compare: exit {process.returncode}: {' '.join(command)}")
        rows = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        return rows, usage.ru_maxrss * 1024 / 1e6

    def keep(self, model, repetition, who, way, values):
        for figure, value in values.items():
            row = {"model": model, "figure": figure, "repetition": repetition, "who": who, "way": way,
                   "value": round(value, 3)}
            self.rows.append(row)
            self.file.write(json.dumps(row) + "\n")
        self.file.flush()

    def has(self, model, repetition, who, way, group):
        return any(r["model"] == model and r["repetition"] == repetition and r["who"] == who and r["way"] == way
                   and group in r["figure"] for r in self.rows)

    # What each group of figures costs either side to measure, and gives: {figure: value}

    def peer_decode(self, path, n_prompt, way):
        threads = str(self.args.threads)
        lanes = ",".join(str(n) for n in LANES)
        n_cells = max(LANES) * (32 if "kvu" in way else 32 + n_prompt) + (n_prompt if "kvu" in way else 0)
        rows, _ = self.run([f"{self.bin}/llama-batched-bench", "-m", path, "-c", str(-(-n_cells // 256) * 256),
                            "-npp", str(n_prompt), "-ntg", "32", "-npl", lanes, "-pps", "-t", threads, "-tb", threads,
                            "-fa", way.split()[1], "--kv-unified" if "kvu" in way else "--no-kv-unified",
                            "--output-format", "jsonl"])
        return {decode_name(row["pl"], n_prompt): row["speed_tg"] for row in rows}

    def peer_prefill(self, path, n_prompt, way):
        rows, _ = self.run([f"{self.bin}/llama-bench", "-m", path, "-p", str(n_prompt), "-n", "0", "-r", "1", "-t",
                            str(self.args.threads), "-fa", way.split()[1], "-o", "jsonl"])
        return {prefill_name(n_prompt): rows[0]["avg_ts"]}

    def probe(self, what, path, n_tokens, way):
        rows, _ = self.run([f"{self.bin}/peer_probe", what, path, str(n_tokens), str(self.args.threads),
                            way.split()[1]])
        return rows[0]

    def peer_memory(self, path, way):
        threads = str(self.args.threads)
        n_cells = 16 * 32 + 128 if "kvu" in way else 16 * (32 + 128)
        _, megabytes = self.run([f"{self.bin}/llama-batched-bench", "-m", path, "-c", str(-(-n_cells // 256) * 256),
                                 "-npp", "128", "-ntg", "32", "-npl", "16", "-pps", "-t", threads, "-tb", threads, "-fa",
                                 way.split()[1], "--kv-unified" if "kvu" in way else "--no-kv-unified"])
        return {"peak memory, 16 lanes, MB": megabytes}

    def ponder(self, path, *options):
        command = [self.args.ponder, "bench", "-m", path, "--json", "--repeat", "3", "--threads", str(self.args.threads),
                   "--max-tokens", "32", *options]
        if self.args.isa:
            command += ["--isa", self.args.isa]
        rows, megabytes = self.run(command)
        return rows[0], megabytes

    def ponder_decode(self, path, n_prompt):
        row, _ = self.ponder(path, "--measure", "decode", "--samples", "32", "--prompt-tokens", str(n_prompt))
        return {decode_name(n, n_prompt): row["decode_tps"][str(n)] for n in LANES}

    def groups(self, model, path):
        """(part of the figures' names, ways of the peer, measures the peer so, measures ponder)"""
        flash = ("fa on", "fa off")
        caches = tuple(f"{fa}{kvu}" for fa in flash for kvu in ("", " kvu"))
        prompts = (128,) if self.args.quick or model == "random" else (128, 512)
        for n in prompts:
            yield (f"behind {n}", caches, lambda way, n=n: self.peer_decode(path, n, way),
                   lambda n=n: self.ponder_decode(path, n))
        if model == "random":
            return
        for n in prompts:
            yield (prefill_name(n), flash, lambda way, n=n: self.peer_prefill(path, n, way),
                   lambda n=n: {prefill_name(n): self.ponder(
                       path, "--measure", "prefill", "--samples", "1", "--prompt-tokens", str(n))[0]["prefill_tps"]})
        yield ("scoring", flash, lambda way: {"scoring 256 tokens": self.probe("score", path, 256, way)["score_tps"]},
               lambda: {"scoring 256 tokens": self.ponder(
                   path, "--measure", "score", "--samples", "1")[0]["score_tps"]})
        yield ("file to", flash,
               lambda way: {"file to first token, ms": self.probe("start", path, 8, way)["file_to_token_ms"]},
               lambda: {"file to first token, ms": self.ponder(
                   path, "--measure", "start", "--samples", "1", "--prompt-tokens", "8")[0]["file_to_token_ms"]})
        yield ("peak memory", caches, lambda way: self.peer_memory(path, way),
               lambda: {"peak memory, 16 lanes, MB": self.ponder(
                   path, "--measure", "decode", "--samples", "16", "--prompt-tokens", "128")[1]})

    def best_ways(self, model, group):
        """{figure: the way in which the peer did best at it}, by the first repetition."""
        best = {}
        for r in self.rows:
            if r["model"] == model and r["who"] == "peer" and r["repetition"] == 0 and group in r["figure"]:
                old = best.get(r["figure"])
                sign = -1 if is_smaller_better(r["figure"]) else 1
                if old is None or sign * r["value"] > sign * old["value"]:
                    best[r["figure"]] = r
        return {figure: r["way"] for figure, r in best.items()}

    def measure(self, model, path):
        for repetition in range(self.args.repetitions):
            for group, ways, peer, ponder in self.groups(model, path):
                if repetition > 0:
                    ways = sorted(set(self.best_ways(model, group).values()))
                for way in ways:
                    if not self.has(model, repetition, "peer", way, group):
                        self.keep(model, repetition, "peer", way, peer(way))
                if not self.has(model, repetition, "ponder", "", group):
                    self.keep(model, repetition, "ponder", "", ponder())
                if sys.stderr.isatty():
                    print(f"\r\033[K{model}: {repetition + 1}/{self.args.repetitions} {group}", end="", file=sys.stderr)
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)

    def table(self, model, path):
        figures = list(dict.fromkeys(r["figure"] for r in self.rows if r["model"] == model))
        print(f"\n{os.path.basename(path)} ({tensor_types(path)})\n")
        print("| figure | llama.cpp | ponder | ratio | lowest to highest | at least | llama.cpp run with |")
        print("|---|---|---|---|---|---|---|")
        for figure in figures:
            way = self.best_ways(model, figure)[figure]
            value = {(r["who"], r["repetition"]): r["value"] for r in self.rows
                     if r["model"] == model and r["figure"] == figure and r["way"] in ("", way)}
            pairs = [(value["peer", i], value["ponder", i]) for i in range(self.args.repetitions)
                     if ("peer", i) in value and ("ponder", i) in value]
            ratios = [ponder / peer for peer, ponder in pairs]
            ratio = statistics.median(ratios)
            wanted = target(model, figure)
            least = "" if wanted is None else f"{wanted:g}"
            if wanted is not None and is_smaller_better(figure):
                least = f"at most {wanted:g}"
            elif wanted is not None and self.args.isa == "avx2":
                wanted = 1 + (wanted - 1) / 2
                least = f"{wanted:g}"
            if wanted is not None:
                is_met = ratio <= wanted if is_smaller_better(figure) else ratio >= wanted
                least += " met" if is_met else " MISSED"
            print(f"| {figure} | {statistics.median(p for p, _ in pairs):.1f} "
                  f"| {statistics.median(p for _, p in pairs):.1f} | {ratio:.2f} "
                  f"| {min(ratios):.2f} to {max(ratios):.2f} | {least} | {way} |")
        sys.stdout.flush()
        self.lanes_gain(model)

    def lanes_gain(self, model):
        """What 16 lanes yield over one."""
        tps = {n: [r["value"] for r in self.rows if r["model"] == model and r["who"] == "ponder"
                   and r["figure"] == decode_name(n, 128)] for n in (1, 16)}
        gains = [many / one for one, many in zip(tps[1], tps[16])]
        if gains:
            print(f"\n16 lanes over 1: {statistics.median(gains):.1f}x ({min(gains):.1f} to {max(gains):.1f})")


def decode_name(n_lanes, n_prompt):
    return f"decode, {n_lanes} lane{'s' if n_lanes > 1 else ''} behind {n_prompt}"


def prefill_name(n_prompt):
    return f"prefill of {n_prompt}"


def tensor_types(path):
    """Types of the file's matrices, each with its share of the weights."""
    names = {0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 12: "Q4_K", 13: "Q5_K",
             14: "Q6_K", 30: "BF16"}
    sizes = (1, 1, 2, 2, 4, 4, 4, 1, None, None, 8, 8, 8)  # of the format's number types
    with open(path, "rb") as file:
        def number(n_bytes):
            return int.from_bytes(file.read(n_bytes), "little")

        def skip(kind):
            if kind == 8:
                file.seek(number(8), 1)
            elif kind == 9:
                kind, n = number(4), number(8)
                if kind == 8:
                    for _ in range(n):
                        skip(8)
                else:
                    file.seek(n * sizes[kind], 1)
            else:
                file.seek(sizes[kind], 1)

        file.seek(8)
        n_tensors, n_keys = number(8), number(8)
        for _ in range(n_keys):
            skip(8)
            skip(number(4))
        weights = {}
        for _ in range(n_tensors):
            skip(8)
            n = 1
            n_dims = number(4)
            for _ in range(n_dims):
                n *= number(8)
            kind = number(4)
            file.seek(8, 1)
            if n_dims > 1:
                weights[kind] = weights.get(kind, 0) + n
    total = sum(weights.values())
    return ", ".join(f"{names.get(kind, kind)} {100 * n / total:.0f}%"
                     for kind, n in sorted(weights.items(), key=lambda item: -item[1]))


def make_file(args, name):
    """The model's path; makes it where it is not there."""
    file, options, kind = MODELS[name]
    if name == "random":
        path = os.path.join(args.out, file)
        if not os.path.exists(path):
            subprocess.run([args.random_model, path, "Q8_0", "20"], check=True)
        return path
    if kind is None:
        return os.path.join(args.models, file)
    os.makedirs(f"{args.peer}/models", exist_ok=True)
    path = f"{args.peer}/models/{file}"
    if not os.path.exists(path):
        subprocess.run([f"{args.peer}/native/bin/llama-quantize", "--allow-requantize", *options,
                        os.path.join(args.models, "smollm2-135m.gguf"), path, kind],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", default="build/peer")
    parser.add_argument("--ponder", default="build/ponder")
    parser.add_argument("--random-model", default="build/scripts/bench/random_model")
    parser.add_argument("--models", default="models")
    parser.add_argument("--out", default="build/bench")
    parser.add_argument("--isa", default="")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="128 tokens only, 2 repetitions, one model")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--only", default="", help=f"models, parted by blanks: {' '.join(MODELS)}")
    args = parser.parse_args()
    names = args.only.split() or (["Q4_1"] if args.quick else list(MODELS))
    unknown = [name for name in names if name not in MODELS]
    if unknown or args.repetitions < 1:
        parser.error(f"no model {' '.join(unknown)}" if unknown else "at least one repetition")
    if args.quick:
        args.repetitions = min(args.repetitions, 2)

    os.makedirs(args.out, exist_ok=True)
    bench = Bench(args)
    with open("/proc/cpuinfo") as file:
        cpu = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "")
    print(f"{cpu}, {args.threads} threads, {args.isa or 'all it has'}, {args.repetitions} repetitions; "
          "llama.cpp of llama-cpp-python 0.3.36; tokens/s unless it says otherwise")
    for name in names:
        path = make_file(args, name)
        bench.measure(name, path)
        bench.table(name, path)


if __name__ == "__main__":
    main()
