#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# smollm2.sh - makes ponder-smollm2: a LoRA adapter for SmolLM2-135M-Instruct that answers, judges its steps and says how hard a
# question is, and one that judges them better, for a pass of its own.
#
#     make all train problems && models/fetch.sh smollm2-135m && models/recipes/smollm2.sh OUT_DIR
#
#   policy.gguf              sft: solutions of generated problems and of the training sets
#   rollouts.jsonl           samples of training questions with numbers that the policy has not seen, graded, each step labelled
#   valued.gguf              verify: the value head alone
#   ponder-smollm2.gguf      difficulty: the head alone; with both heads, at 8 bits
#   ponder-smollm2-verifier.gguf   verify: the whole adapter, from the policy's
#   reviser.gguf             only with REVISE_TIME=10min: revise, an adapter of its own
# Environment: BASE (models/smollm2-135m.gguf), PONDER_DATA, BUILD (build), SFT_TIME (50min where the CPU has AMX, else 3h),
#   REVISE_TIME (none), ROLLOUTS (1000 questions), SAMPLES (8), LABELS (1), SEED (6).
set -eu
out=${1:?usage: smollm2.sh OUT_DIR}
name=smollm2
SEED=${SEED:-6}
MADE=${MADE:-600000}
LIKE_GSM8K=${LIKE_GSM8K:-25}
ROLLOUTS=${ROLLOUTS:-1000}
SAMPLES=${SAMPLES:-8}
LABELS=${LABELS:-1}
export SEED MADE LIKE_GSM8K
. "$(dirname "$0")/common.sh"
base=${BASE:-models/smollm2-135m.gguf}
hours=3h
! grep -qw amx_bf16 /proc/cpuinfo 2>/dev/null || hours=50min

make_data
# Of the many rows a part, by chance: what people wrote is to count.
# shellcheck disable=SC2154 # made by make_data
rows="--data $data/made.jsonl:0.02 --data $data/short.jsonl:0.015 --data $data/gsm8k.like.jsonl:0.125 --data $data/mawps.like.jsonl:0.22"
rows="$rows --data $data/gsm8k.jsonl:3 --data $data/mawps.jsonl:6 --eval $data/valid.jsonl --evals 12"
# shellcheck disable=SC2086 # lists of options
trained policy sft --base "$base" --lora 32 --calculator $rows --lr 1e-3 --warmup 30 --batch 4096 --micro 512 --time "${SFT_TIME:-$hours}"
rollouts -m "$base" --lora "$out/policy.gguf"
trained valued verify --base "$base" --adapter "$out/policy.gguf" --head-only --calculator --data "$out/rollouts.jsonl" --lr 1e-2 --epochs 1.5
trained ponder-smollm2 difficulty --base "$base" --adapter "$out/valued.gguf" --head-only --calculator --data "$out/rollouts.jsonl" \
    --lr 1e-2 --epochs 8 --type q8_0
trained ponder-smollm2-verifier verify --base "$base" --adapter "$out/policy.gguf" --lora 32 --calculator --data "$out/rollouts.jsonl" \
    --lr 3e-4 --warmup 10 --epochs 1 --batch 4096 --micro 512 --type q8_0
[ -z "${REVISE_TIME:-}" ] ||
    trained reviser revise --base "$base" --adapter "$out/policy.gguf" --lora 32 --calculator --data "$out/rollouts.jsonl" \
        --lr 3e-4 --batch 4096 --micro 512 --time "$REVISE_TIME" --type q8_0
evaluated -m "$base" --lora "$out/ponder-smollm2.gguf" | tee "$out/figures.txt"
