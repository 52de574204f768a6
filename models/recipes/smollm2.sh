#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# smollm2.sh - makes ponder-smollm2: one LoRA adapter for SmolLM2-135M-Instruct that answers, revises, judges its steps
# and says how hard a question is.
#
#     make all train problems && models/fetch.sh smollm2-135m && models/recipes/smollm2.sh OUT_DIR
#
#   policy.gguf          sft: solutions of generated problems and of the training sets
#   rollouts.jsonl       samples of training problems, graded, each step labelled
#   reviser.gguf         revise: right solutions behind 0 to 4 wrong ones
#   verifier.gguf        verify: value head, and the adapter a little, with the language loss beside it
#   ponder-smollm2.gguf  difficulty: the head alone
# Environment: BASE (models/smollm2-135m.gguf), PONDER_DATA, BUILD (build), SFT_TIME (6h), REVISE_TIME (1h), VERIFY_TIME (1h),
#   ROLLOUTS (3000 questions), SAMPLES (16), LABELS (4), SEED (1).
set -eu
out=${1:?usage: smollm2.sh OUT_DIR}
name=smollm2
ROLLOUTS=${ROLLOUTS:-3000}
LABELS=${LABELS:-4}
. "$(dirname "$0")/common.sh"
base=${BASE:-models/smollm2-135m.gguf}

make_data
# shellcheck disable=SC2086 # lists of options
trained policy sft --base "$base" --lora 16 --calculator $rows --lr 1e-3 --batch 4096 --time "${SFT_TIME:-6h}"
rollouts -m "$base" --lora "$out/policy.gguf"
trained reviser revise --base "$base" --adapter "$out/policy.gguf" --lora 16 --calculator --data "$out/rollouts.jsonl" \
    --lr 2e-4 --time "${REVISE_TIME:-1h}"
trained verifier verify --base "$base" --adapter "$out/reviser.gguf" --lora 16 --data "$out/rollouts.jsonl" --language 1 \
    --lr 2e-4 --time "${VERIFY_TIME:-1h}"
trained ponder-smollm2 difficulty --base "$base" --adapter "$out/verifier.gguf" --head-only --data "$out/rollouts.jsonl" \
    --lr 1e-3 --epochs 4
evaluated -m "$base" --lora "$out/ponder-smollm2.gguf" | tee "$out/figures.txt"
