#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# headline.sh [OUT_DIR] - the experiments behind the README's headline: compute-optimal thinking in wall-clock time, on our own
# models and questions that they were not trained on. Hours; HEADLINE=quick takes a part of the questions, and minutes.
#
#   plans.json   what plans are worth, on validation questions that are not asked below
#   asdiv gsm8k  curves: auto against single strategies at every budget, and how many times as long each takes to be right as often
#   large        a large model that does not think, and the small one thinking as long as that takes
#   revisions    chains of revisions against samples side by side, of equal work
#   early        samples saved by stopping early
#   deadlines    requests with random budgets, alone and beside busy cores
#
# What is there already stays: a run that broke off goes on; remove a part to make it again.
# Environment: BUILD (build), MODEL (models/ponder-mini.gguf), LARGE (options of the large one: "-m models/smollm2-135m.gguf"),
#   PONDER_DATA (../shared/data), HEADLINE (full or quick), THREADS (2), N (questions of a set), BUDGETS, REQUESTS (10000).
set -eu
cd "$(dirname "$0")/.."
out=${1:-build/headline}
build=${BUILD:-build}
model=${MODEL:-models/ponder-mini.gguf}
large=${LARGE:--m models/smollm2-135m.gguf}
data=${PONDER_DATA:-../shared/data}
requests=${REQUESTS:-10000}
n=${N:-100000}
budgets=${BUDGETS:-10ms,25ms,50ms,100ms,250ms,500ms,1s,2s,4s}
if [ "${HEADLINE:-full}" != full ]; then
    n=${N:-150}
    budgets=${BUDGETS:-25ms,100ms,500ms}
    requests=${REQUESTS:-500}
fi
common="--threads ${THREADS:-2} --max-tokens 96 --lanes 16 --quiet"

for file in "$model" "$data/asdiv_dev.jsonl" "$data/gsm8k_train.jsonl" "$data/mawps_train.jsonl"; do
    [ -s "$file" ] || {
        echo "headline: $file is missing; see models/README.md and PONDER_DATA" >&2
        exit 3
    }
done
mkdir -p "$out"
verifiers=arithmetic
! "$build/ponder" info -m "$model" --json | grep -q '"value_head":true' || verifiers=arithmetic,head

# part NAME COMMAND...: its output becomes $out/NAME when it is whole.
part() {
    part_name=$1
    shift
    [ -s "$out/$part_name" ] && return
    echo "headline: $part_name" >&2
    "$@" >"$out/$part_name.part"
    mv "$out/$part_name.part" "$out/$part_name"
}

every_second() { awk -v rest="$1" 'NR % 2 == rest' "$2" | head -n "$n"; }
validation() { "$build/ponder-problems" convert --set "$1" --split valid "$data/$1_train.jsonl"; }

# shellcheck disable=SC2086 # lists of options
{
    ask() { "$build/ponder" eval $common "$@"; }
    calibrate() {
        cat "$out/mawps_valid.jsonl" "$out/gsm8k_even.jsonl" >"$out/calibrate.jsonl"
        "$build/ponder" calibrate -m "$model" $common --samples 64 --data "$out/calibrate.jsonl" \
            --resume "$out/tries.jsonl" -o "$out/plans.json"
    }
    curves() {
        ask -m "$model" --data "$out/$1" --table "$out/plans.json" --verifier "$verifiers" --curves "$out/$2" --compare \
            --budgets "$budgets" --strategies best-of-n:16,greedy:1,majority:16,majority:64,best-of-n-weighted:16,auto
    }
    # The large one's mean time is the small one's budget.
    thinking() {
        ms=$(sed 's/.*"ms_total":\([0-9.]*\).*/\1/' "$out/large.jsonl" | awk '{ sum += $1 } END { printf "%.0f", sum / NR }')
        ask -m "$model" --data "$out/asdiv.jsonl" --table "$out/plans.json" --strategy auto --budget "${ms}ms" --resume "$out/small.jsonl"
    }
    revisions() {
        for chains in 1 2 4 8 16; do
            ask -m "$model" --data "$out/asdiv.jsonl" --strategy revise --samples 16 --chains $chains --confidence 1 \
                --json --resume "$out/revise-$chains.jsonl"
        done
    }
    early() {
        ask -m "$model" --data "$out/asdiv.jsonl" --strategy majority --verifier arithmetic --samples 16 --confidence 1 --json --resume "$out/fixed.jsonl"
        ask -m "$model" --data "$out/asdiv.jsonl" --strategy auto --table none --samples 16 --json --resume "$out/early.jsonl"
    }
    deadlines() {
        echo "alone:"
        "$build/scripts/bench/random_budgets" "$model" "$out/asdiv.jsonl" "$requests" auto "$out/plans.json"
        busy=
        trap 'kill $busy 2>/dev/null' EXIT
        for core in $(seq "$(nproc)"); do
            sh -c 'while :; do :; done' &
            busy="$busy $!"
        done
        echo "beside $core busy loops:"
        "$build/scripts/bench/random_budgets" "$model" "$out/asdiv.jsonl" "$requests" auto "$out/plans.json"
        kill $busy
        trap - EXIT
    }

    part asdiv.jsonl head -n "$n" "$data/asdiv_dev.jsonl"
    part mawps_valid.jsonl validation mawps
    part gsm8k_valid.jsonl validation gsm8k
    part gsm8k_even.jsonl every_second 0 "$out/gsm8k_valid.jsonl"
    part gsm8k.jsonl every_second 1 "$out/gsm8k_valid.jsonl"
    part calibrate.txt calibrate
    part curves-asdiv.txt curves asdiv.jsonl asdiv
    part curves-gsm8k.txt curves gsm8k.jsonl gsm8k
    part large.txt ask $large --data "$out/asdiv.jsonl" --strategy greedy --resume "$out/large.jsonl"
    part small.txt thinking
    if "$build/ponder" info -m "$model" --json | grep -q '"revision_mark":"'; then
        part revisions.txt revisions
    fi
    part early.txt early
    part deadlines.txt deadlines
}
for file in calibrate curves-asdiv curves-gsm8k large small revisions early deadlines; do
    [ ! -s "$out/$file.txt" ] || { echo "== $file" && cat "$out/$file.txt"; }
done
