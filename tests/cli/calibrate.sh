#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# calibrate.sh - the device, a table from questions, resumed; what strategy auto makes of it; bad tables and budgets.
# shellcheck disable=SC2086,SC2154 # lists of options are words; real_model.sh sets them
set -u
. tests/support/check.sh
. tests/support/real_model.sh

some="--max-tokens 24 --lanes 4 --samples 4 --quiet"
table="$work/plans.json"
question="Sam has 3 apples and buys 4 more apples. How many apples does he have?"

check "measures the device" "$ponder" calibrate $some -o "$table"
shows "a token of a prompt [0-9.]* us"
check "writes it" grep -q '^{"ponder_table":1,.*"threads":[0-9]*,"cost":{.*"lanes":\[1,2,4\],"step_ns":\[[0-9,]*\]}}$' "$table"
check "auto goes by it" "$ponder" solve --strategy auto --table "$table" --budget 2s --json $some "$question"
shows '"strategy":"auto","plan":"majority 4","difficulty":null'

cat >"$work/rows" <<'ROWS'
{"id": "a", "question": "Sam has 3 apples and buys 4 more apples. How many apples does he have?", "answer": "7"}
{"id": "b", "question": "There are 9 birds and 2 fly away. How many birds are left?", "answer": 7}
ROWS
check "tries plans on questions" "$ponder" calibrate $some -o "$table" --data "$work/rows" --resume "$work/tries"
shows "2 questions, 2 plans"
check "keeps each" test "$(grep -c '"plans":2,"chance":null,"tries":\[[01],' "$work/tries")" -eq 2
check "and makes a table of them" grep -q '"plans":\[{"strategy":"greedy","samples":1},{"strategy":"majority","verifier":"arithmetic","samples":4}\],"cells":\[\[{"right":' "$table"
cp "$work/tries" "$work/before"
check "goes on where it stopped" "$ponder" calibrate $some -o "$table" --data "$work/rows" --resume "$work/tries"
check "asking nothing twice" cmp "$work/tries" "$work/before"
check_exit 2 "not with other plans" "$ponder" calibrate --max-tokens 24 --samples 8 --quiet -o "$table" --data "$work/rows" --resume "$work/tries"
shows "rows are of a run with other plans"

# 400 questions that were tried elsewhere, of rising chance: greedy is right on the easy half, votes on the hard one too.
i=0
while [ $i -lt 400 ]; do
    right=$((i >= 200))
    echo "{\"id\": $i, \"question\": \"q\", \"answer\": 1}" >&3
    echo "{\"id\":$i,\"plans\":2,\"chance\":0.$(printf %03d $((i * 5 / 2))),\"tries\":[$right,10,10,5,1,1,20,40,15,2]}"
    i=$((i + 1))
done >"$work/elsewhere" 3>"$work/twenty"
check "makes a table of what it did not ask" "$ponder" calibrate $some -o "$table" --data "$work/twenty" --resume "$work/elsewhere"
cp "$check_output" "$work/said"
shows "^ *10 ms +50.0% in +5.0 ms"
shows "^ *50 ms +100.0% in"
check "with five bins" grep -q '"difficulty":\[0.2,0.4,0.6,0.8\]' "$table"
check "what a plan takes is the mean" grep -q '"steps":20,"tokens":40,"other_ms":2}' "$table"
check "hard ones want votes, easy ones do not" awk '/from  0.0%/ { hard = /50 ms majority 4/ } /from 80.0%/ { easy = /50 ms greedy 1/ } END { exit !(hard && easy) }' "$work/said"

check "a budget of tokens is one of work" "$ponder" solve --strategy majority --budget 30tok --json $some "$question"
cp "$check_output" "$work/said"
check "which it keeps" awk -F'"tokens":' '{ exit !($2 + 0 <= 30) }' "$work/said"
check "joules become time" "$ponder" solve --budget 2J --watts 4 --json $some "$question"
check_exit 2 "but not without watts" "$ponder" solve --budget 2J $some "$question"
shows "needs --watts"
check_exit 2 "and nothing else is a budget" "$ponder" solve --budget 30apples $some "$question"
shows "joules such as 3J"
check "a table is enough to plan" "$ponder" solve --table "$table" --budget 2s --json --max-tokens 24 "$question"
shows '"strategy":"auto"'
check "a number of samples is enough not to" "$ponder" solve --table "$table" --samples 2 --json --max-tokens 24 "$question"
shows '"strategy":"majority"'
check "an average is kept over many" "$ponder" eval --strategy auto --table "$table" --average-budget 300ms --data "$work/rows" $some

echo '{"ponder_table": 9}' >"$table"
check_exit 3 "a table of another version" "$ponder" solve --strategy auto --table "$table" $some "$question"
shows "another version of ponder; calibrate again; make it with ponder calibrate"
: >"$table"
check_exit 3 "an empty one" "$ponder" solve --strategy auto --table "$table" $some "$question"
check_exit 3 "one that is not there" "$ponder" solve --strategy auto --table "$work/none" $some "$question"
cell='{"right":0,"steps":1,"tokens":1,"other_ms":0}'
echo "{\"ponder_table\":1,\"model\":\"x\",\"difficulty\":[],\"plans\":[{\"strategy\":\"majority\",\"verifier\":\"head\",\"samples\":4}],\"cells\":[[$cell]]}" >"$table"
check_exit 3 "one that wants what the model lacks" "$ponder" solve --strategy auto --table "$table" $some "$question"
shows "plan 1 wants strategy 'majority' and verifier 'head', not all of which this model has"
sed 's/"verifier":"head",//' "$table" >"$work/other"
check "another model's is used, with a word" "$ponder" solve --strategy auto --table "$work/other" --max-tokens 24 "$question"
shows "was made with another model"
check "or none" "$ponder" solve --strategy auto --table none $some "$question"
check_exit 3 "rows that are not there" "$ponder" calibrate $some -o "$table" --data "$work/none"
: >"$work/empty"
check_exit 3 "rows that are none" "$ponder" calibrate $some -o "$table" --data "$work/empty"
shows "no row with a question and an answer"
check_exit 2 "takes no words" "$ponder" calibrate $some words
check_exit 3 "a table that cannot be written" "$ponder" calibrate $some -o "$work/no/such/place"
check_end
