#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# score.sh - ponder score: what verifiers say of given steps; the same as of steps that the model writes.
# shellcheck disable=SC2086 # lists of options are words
set -u
. tests/support/check.sh
ponder=${BUILD:-build}/ponder
check_exit 2 "score wants a question" "$ponder" score "1+1=2"
check_exit 2 "that is not blank" "$ponder" score --question " " "1+1=2"
check_exit 2 "and a solution" "$ponder" score --question x " "
. tests/support/real_model.sh

asked="Tom has 3 apples and buys 4, then eats 7. How many has he?"
check "scores each step and the whole" "$ponder" score --question "$asked" --verifier confidence "3+4=7
7-7=0
#0"
shows '^0\.[0-9]{3}  3\+4=7$'
shows '^0\.[0-9]{3}  #0$'
shows '^0\.[0-9]{3}  answer 0$'
lines 4
check "false steps are vetoed" "$ponder" score --question "$asked" --verifier arithmetic "3+4=8
8-7=1
#1"
shows '^0\.000  3\+4=8  vetoed$'
shows '^    -  8-7=1$'
shows '^0\.000  answer 1$'
check "says what judges when nothing is named" "$ponder" score --question "$asked" "3+4=7"
shows 'note: no verifier gives scores'
check "as JSON" sh -c "printf '3+4=7\n' | '$ponder' score --question x --verifier confidence --score mean --json -"
shows '^\{"steps":\[\{"text":"3\+4=7\\n","score":0\.[0-9]+\},\{"text":"","score":0\.[0-9]+\}\],"score":0\.[0-9]+,"answer":"7"\}$'
check_exit 2 "a text that is not UTF-8 is refused" sh -c "printf '\377' | '$ponder' score --question x -"
check_exit 2 "a text that is too long too" "$ponder" score --question x --max-tokens 4 "a b c d e f g h i j"
check_exit 2 "and an unknown verifier" "$ponder" score --question x --verifier nobody "1"
check_exit 3 "a model without a head to judge by too, among names" "$ponder" score --question x --verifier "arithmetic,$model" "1"
shows 'there is no head to judge with'
check_exit 2 "and two files" "$ponder" score --question x --verifier "$model,arithmetic,$model" "1"
shows 'one file at most'

# What is scored while it is written has the same score when it is given.
for judge in confidence self-certainty; do
    "$ponder" solve --samples 1 --strategy best-of-n --verifier $judge --seed 3 --trace "$work/trace" --json "$asked" >"$work/answer"
    written=$(sed -n 's/.*"event":"score".*"score":\([0-9.]*\).*/\1/p' "$work/trace")
    sed 's/.*"text":"\([^"]*\)".*/\1/; s/\\n$//' "$work/answer" >"$work/text"
    # shellcheck disable=SC2016 # the inner shell's
    check "$judge judges what was written" sh -c '"$0" score --question "$1" --verifier "$3" - <"$2"' \
        "$ponder" "$asked" "$work/text" $judge
    name="a given text has the $judge of a written one"
    if grep -q '\\' "$work/text"; then
        skip "$name" "the sample is no plain line"
    elif tail -n 1 "$check_output" | grep -q "^$(printf '%.3f' "$written")"; then
        pass "$name"
    else
        fail "$name" "$written: $(cat "$check_output")"
    fi
done
check_end
