#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# commands.sh - the same bytes whatever runs them; generate, tokenize, info and bench; endings by signal, full
# disk and closed pipe. On a real model.
# shellcheck disable=SC2086,SC2059,SC2317 # lists of options are words; check runs functions
set -u
. tests/support/check.sh
. tests/support/real_model.sh

# Same bytes ------------------------------------------------------------------------------------------
same() { # same NAME ARGS... : like the run before it
    name=$1
    shift
    "$ponder" solve --raw --json --max-tokens 12 --samples 4 --seed 3 --confidence 1 "$@" "$question" |
        sed 's/"steps".*//' >"$work/now"
    if [ -f "$work/first" ]; then
        check "$name" diff "$work/first" "$work/now"
    else
        mv "$work/now" "$work/first"
    fi
}
same "" --threads 1
same "two threads give the same bytes" --threads 2
same "one lane gives the same bytes" --lanes 1
same "kernels in plain C give the same bytes" --isa generic

check_exit 2 "refuses an instruction set that is none" "$ponder" solve --isa mmx9 "$question"
shows "instruction set 'mmx9' is unknown; here there are: generic"

# Other commands --------------------------------------------------------------------------------------
check "generates text" "$ponder" generate --temp 0 --max-tokens 8 "The capital of France is"
check "generates JSON" "$ponder" generate --json --temp 0 --max-tokens 8 "The capital of France is"
shows '^\{"text":".*"status":"[a-z]+","steps":[0-9]+,"tokens":[0-9]+,.*"model":"[^"]+"\}$'
check "reads its prompt from standard input" with "The capital of\nFrance is" "$ponder" generate --raw --temp 0 --max-tokens 4
check "shows tokens" "$ponder" tokenize --no-bos "Hello world"
shows '^ +19556  "Hello"$'
lines 2
check "counts tokens" "$ponder" tokenize --no-bos --count "Hello world"
shows '^2$'
check "tokens as JSON" "$ponder" tokenize --no-bos --json "Hello <|im_end|>"
shows '^\{"count":[0-9]+,"tokens":\[19556,.*\],"pieces":\["Hello",".*"\]\}$'
check "special tokens only where asked" "$ponder" tokenize --no-bos --special --json "<|im_end|>"
shows '"count":1,"tokens":\[2\]'
check "no text has no tokens" "$ponder" tokenize --no-bos --json ""
shows '^\{"count":0,"tokens":\[\],"pieces":\[\]\}$'
check "describes a file" "$ponder" info --samples 16
shows 'family +llama'
shows 'memory for 16 lanes, prompts of 512 tokens, 256 tokens a sample'
check "describes a file as JSON" "$ponder" info --json
sum=$(sed 's/.*"sections"://' "$check_output" | grep -o '"bytes":[0-9]*' | awk -F: '{ s += $2 } END { printf "%d", s }')
need=$(sed 's/.*"memory_bytes":\([0-9]*\).*/\1/' "$check_output")
if [ "$sum" = "$need" ]; then pass "the sections add up"; else fail "the sections add up" "$sum, not $need"; fi
bench="bench --json --repeat 1 --samples 4 --max-tokens 2 --prompt-tokens 16 --max-prompt 40"
number='[0-9.]+'
# shellcheck disable=SC2086 # a list of words
check "measures itself" "$ponder" $bench
shows "^\{\"prefill_tps\":$number,\"decode_tps\":\{\"1\":$number,\"4\":$number\},\"score_tps\":$number,\"load_ms\":$number,\"first_token_ms\":$number,\"file_to_token_ms\":$number,\"memory_bytes\":[0-9]+,\"peak_rss_bytes\":[0-9]+,\"model\":\"[^\"]+\",\"threads\":[0-9]+,\"isa\":\"[^\"]+\",\"prompt_tokens\":16,\"steps\":2,\"score_tokens\":39\}\$"
# shellcheck disable=SC2086
check "measures one thing" "$ponder" $bench --measure score
shows "^\{\"score_tps\":$number,\"memory_bytes\""
# shellcheck disable=SC2086
check "measures the machine too" "$ponder" $bench --measure prefill --limits
shows "\"limits\":\{\"macs_per_second\":[1-9][0-9]*,\"macs_per_second_core\":[1-9][0-9]*,\"read_bytes_per_second\":[1-9][0-9]*,\"cached_bytes_per_second\":[1-9][0-9]*,\"macs_per_token\":[1-9][0-9]*,\"weight_bytes\":[1-9][0-9]*\}"
shows "\"reached\":\{\"prefill\":\{\"arithmetic\":0[0-9.]*,\"memory\":0[0-9.]*\}\}"

# Endings ---------------------------------------------------------------------------------------------
if [ -c /dev/full ]; then
    for command in "solve $quick x" "generate --max-tokens 2 x" "tokenize x" info; do
        check_exit 3 "${command%% *} says that it cannot write" sh -c "'$ponder' $command >/dev/full"
        shows 'cannot write standard output'
    done
else
    skip "says that it cannot write" "no /dev/full"
fi
# A reader that leaves ends the program without a word.
{ yes "2, 4, 6," | head -n 200; } | { "$ponder" solve $quick 2>"$work/err"; echo $? >"$work/code"; } | head -n 1 >/dev/null
code=$(cat "$work/code")
if [ "$code" -eq 141 ] || [ "$code" -eq 3 ]; then pass "ends with a closed pipe"; else fail "ends with a closed pipe" "exit $code"; fi
if [ -s "$work/err" ]; then fail "and says nothing" "$(cat "$work/err")"; else pass "and says nothing"; fi

# A script's background children ignore SIGINT, which the program leaves so; env undoes it.
interrupt() { # interrupt NAME CODE
    env "--default-signal=$1" "$ponder" solve --raw --samples 64 --max-tokens 1000 --confidence 1 --json "$question" >"$work/out" 2>"$work/err" &
    child=$!
    sleep 2
    kill "-$1" "$child"
    code=0
    wait "$child" || code=$?
    if [ "$code" -eq "$2" ]; then pass "SIG$1 ends it with $2"; else fail "SIG$1 ends it with $2" "exit $code: $(cat "$work/err")"; fi
    if grep -q '^{"answer":.*}$' "$work/out"; then pass "with the best so far"; else fail "with the best so far" "$(cat "$work/out")"; fi
}
if env --default-signal=INT true 2>/dev/null; then
    interrupt INT 130
    interrupt TERM 143
else
    skip "SIGINT ends it with 130" "env has no --default-signal"
fi
check_end
