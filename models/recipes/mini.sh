#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# mini.sh - makes ponder-mini: one trunk of 9 million parameters with a language-model head, a value head and a difficulty
# head.
#
#     make all train quantize problems && models/recipes/mini.sh OUT_DIR
#
#   policy.gguf        sft: solutions of generated problems and of the training sets; one and two steps come twice as often
#   rollouts.jsonl     samples of training problems, graded, each step labelled
#   verifier.gguf      verify: value head, and the trunk with it, with the language loss of right samples beside it
#   ponder-mini.gguf   difficulty: the head alone; Q8_0 in ponder-mini-q8_0.gguf
#
# Revisions are left to a recipe that has more hours: REVISE_TIME=1h puts them between policy and verifier.
# Environment: PONDER_DATA, BUILD (build), SFT_TIME (10h), REVISE_TIME (none), VERIFY_TIME (1h), ROLLOUTS (6000 questions),
#   SAMPLES (16), LABELS (4), SEED (6).
set -eu
out=${1:?usage: mini.sh OUT_DIR}
name=mini
SEED=${SEED:-6}
MADE=${MADE:-600000}
LIKE_GSM8K=${LIKE_GSM8K:-25}
LABELS=${LABELS:-4}
export SEED MADE LIKE_GSM8K
. "$(dirname "$0")/common.sh"

make_data
# shellcheck disable=SC2154 # made by make_data
rows="--data $data/short.jsonl --data $data/made.jsonl --data $data/gsm8k.like.jsonl:4 --data $data/mawps.like.jsonl:8"
rows="$rows --data $data/gsm8k.jsonl:8 --data $data/mawps.jsonl:16 --eval $data/valid.jsonl"
# shellcheck disable=SC2086 # lists of options
trained policy sft --new layers=7,embd=320,heads=5,kv=1,ff=896 --vocab "$data/vocab.gguf" --calculator $rows \
    --lr 2e-3 --warmup 100 --batch 4096 --time "${SFT_TIME:-10h}"
"$build/ponder-quantize" "$out/policy.gguf" "$out/policy-q8_0.gguf" --type Q8_0
rollouts -m "$out/policy-q8_0.gguf"
trunk=policy
if [ -n "${REVISE_TIME:-}" ]; then
    trained reviser revise --base "$out/policy.gguf" --calculator --data "$out/rollouts.jsonl" --lr 3e-4 --batch 4096 --time "$REVISE_TIME"
    trunk=reviser
fi
trained verifier verify --base "$out/$trunk.gguf" --calculator --data "$out/rollouts.jsonl" --language 1 --lr 4e-4 --warmup 30 --batch 4096 \
    --time "${VERIFY_TIME:-1h}"
trained ponder-mini difficulty --base "$out/verifier.gguf" --head-only --data "$out/rollouts.jsonl" --lr 3e-3 --time 3min
"$build/ponder-quantize" "$out/ponder-mini.gguf" "$out/ponder-mini-q8_0.gguf" --type Q8_0
evaluated -m "$out/ponder-mini-q8_0.gguf" | tee "$out/figures.txt"
