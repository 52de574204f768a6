#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# jsonl.sh - rows in, rows out: order, bad rows, going on after a crash at every byte, shards; and eval.
# shellcheck disable=SC2086,SC2059,SC2317 # lists of options are words; check runs functions
set -u
. tests/support/check.sh
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
quick="--raw --strategy greedy --max-tokens 4 --temp 0"
# Times differ from run to run, the rest may not.
still() { sed 's/"ms_[a-z_]*":[0-9.]*/"ms":0/g' "$1"; }
has() { # has N PATTERN FILE
    n=$(grep -cE -- "$2" "$3")
    if [ "$n" -eq "$1" ]; then pass "$1 times: $2"; else fail "$1 times: $2" "$(cat "$3")"; fi
}

cat >"$work/rows" <<'ROWS'
{"id": "a", "question": "1 + 1 ="}
{"id": 7, "question": "2 + 2 ="}

{"id": "\u00e9\"x", "question": "\u0033 + 3 =", "other": [1, {"id": 5}]}
{"question": "4 + 4 ="}
ROWS
check "answers rows" sh -c "'$ponder' solve $quick --jsonl '$work/rows' >'$work/out'"
cut -d, -f1 "$work/out" >"$work/ids"
cat >"$work/wanted" <<'IDS'
{"id":"a"
{"id":7
{"id":"\u00e9\"x"
{"id":5
IDS
check "in their order, each with its id as written" diff "$work/wanted" "$work/ids"
has 4 '^\{"id":.*,"answer":".*","text":".*","confidence":.*,"model":"[^"]+"\}$' "$work/out"
check "reads rows from standard input" sh -c "'$ponder' solve $quick --jsonl <'$work/rows' >'$work/out2'"
still "$work/out" >"$work/out.still"
still "$work/out2" >"$work/out2.still"
check "with the same answers" diff "$work/out.still" "$work/out2.still"
if command -v jq >/dev/null; then
    check "each line is JSON" sh -c "jq -e .seed '$work/out' >/dev/null"
else
    skip "each line is JSON" "no jq"
fi

cat >"$work/bad" <<'ROWS'
{"id": "a", "question": "1 + 1 ="}
{"id": "b", "question": 5}
not JSON
{"id": "c"}
{"id": {}, "question": "1 + 1 ="}
{"id": "d", "question": ""}
{"id": "e", "question": "cut
{"id": "f", "question": "2 + 2 ="}
ROWS
printf '{"id": "g", "question": "\377"}\n{"id": "h", "question": "3 + 3 ="}' >>"$work/bad"
check_exit 1 "bad rows make the exit code 1" sh -c "'$ponder' solve $quick --jsonl '$work/bad' >'$work/out'"
for line in 2 3 4 5 6 7 9; do
    has 1 "^ponder: line $line: " "$check_output"
done
has 3 '"answer":' "$work/out"
has 3 '^\{"id":"[bcd]","error":".+"\}$' "$work/out"
check_exit 3 "says that its file cannot be written" "$ponder" solve --jsonl "$work/rows" --resume "$work/none/out"
has 1 '^ponder: cannot write ' "$check_output"

# Going on: wherever the output is cut off, the end is the same. Every 7th byte, and all near line ends.
"$ponder" solve $quick --jsonl "$work/rows" --resume "$work/whole" 2>/dev/null
still "$work/whole" >"$work/whole.still"
check "a new file is written whole" diff "$work/out2.still" "$work/whole.still"
bytes=$(wc -c <"$work/whole")
first=$(head -n 1 "$work/whole" | wc -c)
torn=0
for cut in 0 1 $((first - 1)) "$first" $((first + 1)) $((bytes - 1)) "$bytes"; do
    head -c "$cut" "$work/whole" >"$work/part"
    "$ponder" solve $quick --jsonl "$work/rows" --resume "$work/part" >"$work/err" 2>&1 || torn=$cut
    still "$work/part" >"$work/part.still"
    cmp -s "$work/whole.still" "$work/part.still" || torn=$cut
done
if [ "$torn" -eq 0 ]; then pass "goes on after any cut"; else fail "goes on after any cut" "at $torn"; fi
cp "$work/whole" "$work/part"
check "a whole file stays as it is" "$ponder" solve $quick --jsonl "$work/rows" --resume "$work/part"
check "byte for byte" cmp "$work/whole" "$work/part"
# Killed in the middle, for real.
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    echo "{\"id\": $i, \"question\": \"$i + $i =\"}"
done >"$work/many"
: >"$work/part"
"$ponder" solve $quick --jsonl "$work/many" --resume "$work/part" 2>/dev/null &
child=$!
tries=0
while [ "$(wc -l <"$work/part")" -lt 3 ] && [ "$tries" -lt 300 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
kill -9 "$child"
wait "$child" 2>/dev/null
check "goes on after kill -9" "$ponder" solve $quick --jsonl "$work/many" --resume "$work/part"
cut -d, -f1 "$work/part" >"$work/ids"
sed 's/: /:/; s/,.*//' "$work/many" >"$work/wanted"
check "with every id once, in order" diff "$work/wanted" "$work/ids"

# Shards are disjoint and make the whole.
for shard in 1 2 3; do
    "$ponder" solve $quick --jsonl "$work/many" --shard "$shard/3"
done >"$work/shards" 2>/dev/null
still "$work/shards" | sort >"$work/shards.sorted"
still "$work/part" | sort >"$work/part.sorted"
check "shards make the whole" diff "$work/part.sorted" "$work/shards.sorted"

# eval -----------------------------------------------------------------------------------------------
cat >"$work/data" <<'ROWS'
{"id": 1, "question": "1 + 1 =", "answer": "2", "level": 1}
{"id": 2, "question": "2 + 2 =", "answer": 4, "level": 1}
{"id": 3, "question": "3 + 3 =", "answer": "6.0", "level": "hard"}
{"id": 4, "question": "4 + 4 =", "answer": "100"}
ROWS
quick="--strategy greedy --max-tokens 8 --temp 0"
check "evaluates" "$ponder" eval $quick --data "$work/data"
has 1 '^accuracy +[0-9.]+%  \([0-4] of 4; 95% interval [0-9.]+% to [0-9.]+%\)$' "$check_output"
has 1 '^  level 1 +[0-9.]+%  \([0-2] of 2;' "$check_output"
has 1 '^  level hard +[0-9.]+%  \([01] of 1;' "$check_output"
has 1 '^latency +p50 [0-9.]+ ms, p90 [0-9.]+ ms, p99 [0-9.]+ ms, max [0-9.]+ ms$' "$check_output"
has 0 '^overshoot' "$check_output"
check "measures overshoot where there is a budget" "$ponder" eval $quick --budget 5s --data "$work/data" --limit 1
has 1 '^overshoot +p50 -?[0-9.]+ ms' "$check_output"
has 1 '^late +[01] of 1, ' "$check_output"
check "evaluates as JSON" "$ponder" eval $quick --json --data "$work/data" --out "$work/eval"
has 1 '^\{"questions":4,"correct":[0-4],"accuracy":[0-9.]+,"accuracy_low":[0-9.]+,"accuracy_high":[0-9.]+,"answered":[0-9.]+,"ms_total":\{"p50":.*\},.*"levels":\{"1":\{"questions":2,.*"hard":\{"questions":1,.*\}.*"model":"[^"]+"\}$' "$check_output"
has 4 '^\{"id":[1-4],"gold":"[0-9.]+","correct":(true|false),.*"budget_ms":0,"ms_step":[0-9.]+,.*"answer":' "$work/eval"
sed 's/"ms.*//' "$check_output" >"$work/whole"
head -n 2 "$work/eval" >"$work/part"
printf '{"id":3,"gold' >>"$work/part"
check "goes on with an evaluation" "$ponder" eval $quick --json --data "$work/data" --resume "$work/part"
sed 's/"ms.*//' "$check_output" >"$work/again"
check "and sums up the whole" diff "$work/whole" "$work/again"
still "$work/eval" >"$work/eval.still"
still "$work/part" >"$work/part.still"
check "with the same rows" diff "$work/eval.still" "$work/part.still"
printf '{"id": 1, "question": "1 + 1 ="}\n{"id": 2, "question": "2 + 2 =", "answer": "4"}\n' >"$work/data"
check_exit 1 "a row without an answer is reported" "$ponder" eval $quick --data "$work/data"
has 1 '^ponder: line 1: .*"answer"; skipped$' "$check_output"
has 1 ' of 1; 95%' "$check_output"
check_end
