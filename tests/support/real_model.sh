# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# real_model.sh - for shell tests of the program on a real model, to be sourced after check.sh: finds program and
# model (or skips the test), makes a folder to work in.
# shellcheck disable=SC2059,SC2034,SC2154,SC2317 # the tests that source this use them

ponder=${BUILD:-build}/ponder
model=${PONDER_MODELS:-models}/smollm2-135m.gguf
if [ ! -f "$model" ]; then
    skip "runs on a real model" "no $model"
    check_end
fi
PONDER_MODEL=$model
export PONDER_MODEL
work=$(mktemp -d)
trap 'rm -rf "$work" "$check_output"' EXIT

# Small work: a few tokens each.
quick="--raw --strategy greedy --max-tokens 12"
question="2, 4, 6, 8," # which any model goes on with numbers

shows() {
    if grep -qE -- "$1" "$check_output"; then pass "shows $1"; else fail "shows $1" "$(cat "$check_output")"; fi
}
lines() {
    if [ "$(wc -l <"$check_output")" -eq "$1" ]; then pass "prints $1 lines"; else fail "prints $1 lines" "$(cat "$check_output")"; fi
}
# with INPUT COMMAND...: exit codes of a pipe's end
with() {
    printf "$1" | { shift && "$@"; }
}
