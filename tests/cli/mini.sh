#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# mini.sh - the model of this repository: it is the one that its card describes, has the heads it says, answers what a small
# child can, and gives the same bytes on every instruction set and for any threads.
# shellcheck disable=SC2086 # lists of options are words
set -u
. tests/support/check.sh
ponder=${BUILD:-build}/ponder
model=models/ponder-mini.gguf
work=$(mktemp -d)
trap 'rm -rf "$work" "$check_output"' EXIT

shows() {
    if grep -qE -- "$1" "$check_output"; then pass "shows $1"; else fail "shows $1" "$(cat "$check_output")"; fi
}

sum=$(sha256sum "$model" | cut -d ' ' -f 1)
check "the card has its hash" grep -q "$sum" models/ponder-mini.md
check "is small" test "$(wc -c <"$model")" -lt 12000000
check "says what it has" "$ponder" info --json
shows '"calculator":true,"value_head":true,"difficulty_head":true'
check "its table is one" "$ponder" solve --strategy auto --table "$model.plans.json" --budget 5s --json "Tom has 3 pens and buys 4 more pens. How many pens does Tom have?"
shows '"strategy":"auto","plan":"[a-z]'
shows '"difficulty":0\.[0-9]+'
shows '"answer":"7"'

cat >"$work/questions" <<'ROWS'
{"id": 1, "question": "Tom has 3 pens and buys 4 more pens. How many pens does Tom have?"}
{"id": 2, "question": "A farmer has 5 fields with 12 trees in each field. How many trees are there?"}
{"id": 3, "question": "Ann had 20 dollars and spent 8 dollars on a book and 5 dollars on a pen. How many dollars are left?"}
ROWS
answers() {
    "$ponder" solve --jsonl --strategy best-of-n-weighted --samples 8 --confidence 1 --max-tokens 64 "$@" <"$work/questions" |
        sed 's/"ms_[a-z_]*":[0-9.]*,//g; s/"memory_bytes":[0-9]*,//; s/"steps":[0-9]*,//' # which few lanes make more of
}
answers --isa generic --threads 1 >"$work/generic"
check "answers them all" test "$(grep -c '"status":"complete"' "$work/generic")" -eq 3
for isa in $("$ponder" info --isa none 2>&1 | sed 's/.*here there are: //; s/,//g') best; do
    [ "$isa" = best ] || option="--isa $isa"
    answers ${option:-} --threads 2 --lanes 3 >"$work/other" 2>/dev/null || continue # not on this CPU
    check "the same with $isa, 2 threads, 3 lanes" cmp "$work/generic" "$work/other"
    option=
done
check_end
