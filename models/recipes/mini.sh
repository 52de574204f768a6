#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# mini.sh - makes ponder-mini: one trunk of 9 million parameters with a language-model head that also revises, a value
# head and a difficulty head.
#
#     make all train quantize problems && models/recipes/mini.sh OUT_DIR
#
#   policy.gguf          sft: solutions of generated problems and of the training sets
#   rollouts.jsonl       samples of training problems, graded, each step labelled
#   reviser.gguf         revise: right solutions behind 0 to 4 wrong ones
#   verifier.gguf        verify: value head, and the trunk a little, with the language loss beside it
#   ponder-mini.gguf     difficulty: the head alone; Q8_0 in ponder-mini-q8_0.gguf
# Environment: PONDER_DATA, BUILD (build), SFT_TIME (10h), REVISE_TIME (1h), VERIFY_TIME (1h), ROLLOUTS (6000 questions),
#   SAMPLES (16), LABELS (8), SEED (1).
set -eu
out=${1:?usage: mini.sh OUT_DIR}
name=mini
. "$(dirname "$0")/common.sh"

make_data
# shellcheck disable=SC2086 # lists of options
trained policy sft --new layers=7,embd=320,heads=5,kv=1,ff=896 --vocab "$data/vocab.gguf" --calculator $rows \
    --lr 2e-3 --warmup 100 --batch 4096 --time "${SFT_TIME:-10h}"
"$build/ponder-quantize" "$out/policy.gguf" "$out/policy-q8_0.gguf" --type Q8_0
rollouts -m "$out/policy-q8_0.gguf"
trained reviser revise --base "$out/policy.gguf" --calculator --data "$out/rollouts.jsonl" --lr 3e-4 --time "${REVISE_TIME:-1h}"
trained verifier verify --base "$out/reviser.gguf" --data "$out/rollouts.jsonl" --language 1 --lr 3e-4 --time "${VERIFY_TIME:-1h}"
trained ponder-mini difficulty --base "$out/verifier.gguf" --head-only --data "$out/rollouts.jsonl" --lr 1e-3 --epochs 4
"$build/ponder-quantize" "$out/ponder-mini.gguf" "$out/ponder-mini-q8_0.gguf" --type Q8_0
evaluated -m "$out/ponder-mini-q8_0.gguf" | tee "$out/figures.txt"
