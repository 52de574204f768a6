#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# problems.sh - ponder-problems from outside: every command, bad input, the recipe for data, and that no training row has
# the question of an evaluation row.
# Environment: BUILD (build), PONDER_DATA (../shared/data).
set -u
. tests/support/check.sh

problems=${BUILD:-build}/ponder-problems
data=${PONDER_DATA:-../shared/data}
work=$(mktemp -d)
trap 'rm -rf "$work" "$check_output"' EXIT

check_exit 2 "wants a command" "$problems"
check "explains itself" "$problems" --help
check_exit 2 "refuses an unknown command" "$problems" nonsense
check_exit 2 "refuses an unknown option" "$problems" generate --nonsense
check_exit 2 "refuses a level that is none" "$problems" generate --level 3
check_exit 2 "refuses a kind that there is not" "$problems" generate --kinds nonsense
check_exit 2 "refuses a set that there is not" "$problems" convert --set nonsense "$work/rows"
check_exit 3 "says which file is missing" "$problems" convert --set gsm8k "$work/none"
"$problems" convert --set gsm8k "$work/none" 2>"$work/message"
check "in one line" sh -c "grep -q '$work/none' '$work/message' && test \$(wc -l <'$work/message') -eq 1"
check_exit 3 "says which folder is missing" "$problems" generate --grammar "$work/none"

"$problems" generate --n 300 --seed 5 >"$work/a"
"$problems" generate --n 300 --seed 5 >"$work/b"
"$problems" generate --n 300 --seed 6 >"$work/c"
check "makes as many rows as asked for" test "$(wc -l <"$work/a")" -eq 300
check "makes the same from the same seed" cmp "$work/a" "$work/b"
check_exit 1 "makes others from another seed" cmp "$work/a" "$work/c"
"$problems" generate --n 50 --level 3-4 --kinds money >"$work/money"
check "makes the kind and level asked for" \
    test "$(grep -c '"level":[34],"kind":"money\.' "$work/money")" -eq 50
check "no question comes twice" test "$(sed 's/.*"question":"\([^"]*\)".*/\1/' "$work/a" | sort -u | wc -l)" -eq 300
if [ -e /dev/full ]; then
    check_exit 3 "says when it cannot write" sh -c "'$problems' generate --n 2000 >/dev/full"
fi

"$problems" mix --seed 1 "$work/a" "$work/c" >"$work/mixed"
sort "$work/a" "$work/c" >"$work/sorted"
check "mixes files without loss" sh -c "sort '$work/mixed' | cmp - '$work/sorted'"
"$problems" mix --level 2-2 "$work/a" >"$work/two"
check "or only rows of so many steps" test "$(wc -l <"$work/two")" -eq "$(grep -c '"level":2' "$work/a")"
check_exit 1 "in another order" cmp "$work/mixed" "$work/sorted"

# Twelve rows in the way of MAWPS: the tenth is for validation, the last has a wrong sum.
i=1
while [ $i -le 12 ]; do
    echo "{\"id\":\"m$i\",\"question\":\"Anna has $((10 + i)) pens and   buys $((20 + i)) more. How many?\"," \
        "\"answer\":\"$((30 + 2 * i))\",\"solution\":\"<<$((10 + i))+$((20 + i))=$((30 + 2 * i - i / 12))>>\"}"
    i=$((i + 1))
done >"$work/rows"
"$problems" convert --set mawps "$work/rows" >"$work/train" 2>/dev/null
"$problems" convert --set mawps --split valid "$work/rows" >"$work/valid" 2>/dev/null
check "converts what is exact" test "$(wc -l <"$work/train")" -eq 10
check "keeps every tenth row apart" grep -q '"id":"m10"' "$work/valid"
check_exit 1 "and out of training" grep -q '"id":"m10"' "$work/train"
check "writes steps, one space, level and kind" grep -qF \
    '{"id":"m1","question":"Anna has 11 pens and buys 21 more. How many?","answer":"32","steps":["11+21=32"],"level":1,"kind":"mawps"}' \
    "$work/train"
echo '{"id":1,' >"$work/broken"
check_exit 3 "says which line is no row" "$problems" convert --set mawps "$work/broken"
"$problems" convert --set mawps "$work/broken" 2>"$work/message"
check "with its number" grep -q 'line 1' "$work/message"

check_exit 1 "finds rows that are alike but for numbers" "$problems" overlap "$work/train" "$work/valid"
check "and none where there are none" "$problems" overlap "$work/a" "$work/valid"
"$problems" overlap --drop "$work/train" "$work/valid" >"$work/dropped" 2>/dev/null
check "drops them" test ! -s "$work/dropped"
"$problems" overlap --drop-same "$work/train" "$work/valid" >"$work/kept" 2>/dev/null
check "or only those with the same numbers" cmp "$work/train" "$work/kept"

"$problems" renumber --seed 3 --copies 5 "$work/train" >"$work/like" 2>/dev/null
check "gives rows other numbers" test "$(wc -l <"$work/like")" -gt 45
check "and people other names" sh -c "grep -v Anna '$work/like' | grep -q '[A-Z][a-z]* has [0-9]* pens'"
check_exit 2 "renumber wants a file" "$problems" renumber

"$problems" cue "$work/train" >"$work/lessons" 2>/dev/null
check "makes lessons in telling" grep -qF '{"id":"m1","question":"11+21=32","answer":"32","samples":[{"text":"Anna has 11 pens' \
    "$work/lessons"
check "with rarer words of the question" sh -c "'$problems' cue '$work/a' 2>/dev/null | grep -q '\"question\":\"[-0-9=+*/; .]* | [a-z]*\(, [a-z]*\)\?\"'"
"$problems" cue --ask --words "$work/a" "$work/train" >"$work/cues" 2>/dev/null
check "asks with the steps of every row" test "$(wc -l <"$work/cues")" -eq 10
check "and words of others" grep -q '"question":"[0-9+=]* | [a-z]' "$work/cues"
check_exit 2 "words go with asking" "$problems" cue --words "$work/a" "$work/train"
cat >"$work/told" <<'EOF'
{"id":"m2","question":"-","answer":"34","samples":[{"text":"Bo saw 12 owls and\n22 crows. How many birds?"},{"text":"Bo saw 12 owls. How many birds?"},{"text":"12+22=34?"}]}
{"id":"m1","question":"-","answer":"32","samples":[{"text":"Bo ate 11 figs and 21 plums"},{"text":"Bo saw 12 owls and 22 crows. How many birds?"},{"text":"Of 11 mice and 21 rats, how many ran?"}]}
EOF
"$problems" told "$work/cues" "$work/told" >"$work/problems" 2>"$work/message"
check "keeps what has all the numbers and asks" grep -q '6 samples, 2 new problems' "$work/message"
check "as rows with the steps that were asked for" grep -qF \
    '{"id":"m2-told-0","question":"Bo saw 12 owls and 22 crows. How many birds?","answer":"34","steps":["12+22=34"],"level":1,"kind":"told"}' "$work/problems"
echo '{"id":"x","question":"-","answer":"1","samples":[]}' >"$work/strange"
check_exit 3 "refuses what was not asked for" "$problems" told "$work/cues" "$work/strange"

"$problems" vocab --size 400 --out "$work/vocab.gguf" "$work/a" 2>/dev/null
check "learns a vocabulary" test -s "$work/vocab.gguf"
if python3 -c 'import gguf' 2>/dev/null; then
    check "which the package gguf reads" python3 -c "
import gguf
fields = gguf.GGUFReader('$work/vocab.gguf').fields
assert len(fields['tokenizer.ggml.tokens'].data) == 400
assert len(fields['tokenizer.ggml.merges'].data) == 400 - 257
assert fields['tokenizer.ggml.eos_token_id'].contents() == 0"
else
    skip "which the package gguf reads" "no python3 with gguf"
fi
check_exit 2 "says when there is too little text for it" \
    "$problems" vocab --size 60000 --out "$work/large.gguf" "$work/a"

if [ ! -e "$data/gsm8k_train.jsonl" ]; then
    skip "the recipe for data" "no $data/gsm8k_train.jsonl"
    check_end
fi
check "the recipe for data runs" env PROBLEMS="$problems" PONDER_DATA="$data" MADE=20000 LIKE_GSM8K=2 LIKE_MAWPS=3 \
    ORIGINAL=1 sh models/recipes/data.sh "$work/data"
evaluation="$work/data/gsm8k_valid.jsonl $work/data/mawps_valid.jsonl"
[ ! -e "$data/asdiv_dev.jsonl" ] || evaluation="$evaluation $data/asdiv_dev.jsonl"
# shellcheck disable=SC2086 # a list of files
check "no training row has the question of an evaluation row, even with other numbers" \
    "$problems" overlap "$work/data/train.jsonl" $evaluation
check "seven in ten rows of GSM8K get other numbers" \
    test "$(sed 's/.*"id":"\(gsm8k-train-[0-9]*\)-like.*/\1/' "$work/data/gsm8k.like.jsonl" | sort -u | wc -l)" -gt 4900
mv "$work/data/train.jsonl" "$work/first.jsonl"
check "goes on where it was" env PROBLEMS="$problems" PONDER_DATA="$data" ORIGINAL=1 sh models/recipes/data.sh "$work/data"
check "to the same end" cmp "$work/first.jsonl" "$work/data/train.jsonl"
check_end
