#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# rollout.sh - samples, grades and labels: a label for each line, the last one the grade; resumed; the same for any threads.
# shellcheck disable=SC2086,SC2154 # lists of options are words; real_model.sh sets them
set -u
. tests/support/check.sh
. tests/support/real_model.sh

cat >"$work/rows" <<'ROWS'
{"id": "a", "question": "Sam has 3 apples and buys 4 more apples. How many apples does he have?", "answer": "7"}
{"id": "b", "question": "There are 9 birds and 2 fly away. How many birds are left?", "answer": 7}
ROWS
some="--samples 6 --max-tokens 32 --seed 5"

# Of each sample in FILE a line: its text's lines, its labels, its grade, its last label.
samples() {
    sed 's/{"text":/\n&/g' "$1" | sed -n 's/^{"text":"\(.*\)","answer":.*"right":\([a-z]*\),"labels":\[\([0-9.,]*\)\]}.*/\1|\2|\3/p' |
        awk -F'|' '{ sub(/\\n$/, "", $1); lines = gsub(/\\n/, "", $1) + 1; n = split($3, label, ","); print lines, n, $2, label[n] }'
}

check "writes rows" "$ponder" rollout $some --labels 3 --data "$work/rows" --out "$work/one"
check "of each question" test "$(grep -c '"pass":[01]' "$work/one")" -eq 2
samples "$work/one" >"$work/samples"
check "samples end by themselves, some at least" test -s "$work/samples"
check "a label for each line" awk '$1 != $2 { exit 1 }' "$work/samples"
check "the last label is the grade" awk '($3 == "true") != ($4 == 1) { exit 1 }' "$work/samples"
check "some are right and some are not" sh -c "grep -q 'true 1' '$work/samples' && grep -q 'false 0' '$work/samples'"

n_right=$(head -1 "$work/one" | grep -o '"right":true' | wc -l)
pass=$(head -1 "$work/one" | sed 's/.*"pass":\([0-9.]*\).*/\1/')
check "pass is the part that is right" awk "BEGIN { d = $n_right / 6 - $pass; exit !(d < 0.001 && d > -0.001) }"

check "the same on one thread" "$ponder" rollout $some --labels 3 --threads 1 --data "$work/rows" --out "$work/two"
check "to the byte" cmp "$work/one" "$work/two"

head -1 "$work/one" >"$work/part"
head -2 "$work/one" | tail -1 | head -c 100 >>"$work/part"
check "goes on after a torn line" "$ponder" rollout $some --labels 3 --data "$work/rows" --resume "$work/part"
check "as if it had not been torn" cmp "$work/one" "$work/part"

check "works without labels" "$ponder" rollout $some --data "$work/rows" --limit 1 --out "$work/plain"
check "which has none" sh -c "! grep -q labels '$work/plain'"

echo '{"id": "c", "question": "no answer"}' >>"$work/rows"
check_exit 1 "skips a row without an answer" "$ponder" rollout $some --data "$work/rows" --out "$work/three"
shows 'line 3: there is no text or number in "answer"; skipped'
check_exit 2 "needs rows" "$ponder" rollout
check_exit 3 "that are there" "$ponder" rollout --data "$work/none"
check_exit 2 "does not take both files" "$ponder" rollout --data "$work/rows" --out "$work/x" --resume "$work/x"
check_end
