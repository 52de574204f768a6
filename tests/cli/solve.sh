#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# solve.sh - solve on a real model: output, exit codes, bad input, budget and memory.
# shellcheck disable=SC2086,SC2059,SC2317 # lists of options are words; check runs functions
set -u
. tests/support/check.sh
. tests/support/real_model.sh

# What one answer looks like ------------------------------------------------------------------------
check "answers" "$ponder" solve $quick "$question"
lines 1
check "answers words that are not quoted" "$ponder" solve $quick 2, 4, 6, 8,
check "says what it cost with --verbose" "$ponder" solve $quick --verbose "$question"
shows 'confidence +[0-9]+% \(greedy, (complete|early_stop|deadline)\)'
shows 'spent +[0-9]+ samples?, [0-9]+ tokens, [0-9]+ ms \(first token after [0-9]+ ms\), [0-9.]+ MiB'
shows '^ponder: .*Q4_1.*loaded in'
check "answers as JSON" "$ponder" solve $quick --json --seed 7 "$question"
lines 1
number='[0-9]+(\.[0-9]+)?'
shows "^\{\"answer\":\"[^\"]*\",\"text\":\"[^\"]*\",\"confidence\":$number,\"status\":\"[a-z_]+\",\"strategy\":\"greedy\",\"samples\":[01],\"steps\":[0-9]+,\"tokens\":[0-9]+,\"prompt_tokens\":[0-9]+,\"ms_total\":$number,\"ms_first_token\":$number,\"memory_bytes\":[0-9]+,\"seed\":7,\"model\":\"[^\"]+\"\}\$"
check "streams, then answers" "$ponder" solve $quick --stream "$question"
if [ "$(tail -n 1 "$check_output")" = "$("$ponder" solve $quick "$question" 2>&1)" ]; then
    pass "the last line is the answer"
else
    fail "the last line is the answer" "$(cat "$check_output")"
fi
check "takes options after the question" "$ponder" solve "$question" $quick -q
check "takes a question that begins with a dash" "$ponder" solve $quick -- "-2, -4, -6,"

# Questions on standard input ------------------------------------------------------------------------
check "answers a question a line" with "2, 4, 6,\n\n3, 6, 9,\r\n4, 8, 12," "$ponder" solve $quick
lines 3
check "reads - as standard input" with "2, 4, 6,\n" "$ponder" solve $quick --json -
lines 1
check_exit 2 "no question is an error" with "" "$ponder" solve
check_exit 2 "blank lines are no question" with "\n  \n" "$ponder" solve
check_exit 1 "a bad line is reported, the rest goes on" with "2, 4, 6,\n\377\376\n3, 6, 9,\n" "$ponder" solve $quick
shows '^ponder: line 2: .*UTF-8'
check_exit 2 "text that is not UTF-8 is refused" with "\377 and 3?\n" "$ponder" solve $quick
# A NUL is a byte like others: no crash, an answer or a clear refusal.
code=0
printf '2, 4,\0 6,\n' | "$ponder" solve $quick >"$check_output" 2>&1 || code=$?
case $code in 0 | 1 | 2) pass "takes a NUL" ;; *) fail "takes a NUL" "exit $code" ;; esac

head -c 1000000 /dev/zero | tr '\0' a >"$work/long"
check_exit 2 "a question of a megabyte is too long" sh -c "'$ponder' solve $quick <'$work/long'"
shows 'does not fit the context; .*--max-prompt'
check_exit 2 "a question longer than the context is too long" "$ponder" solve --max-prompt 8 "$question"
shows '--max-prompt \(now 8'

# Budget and memory ----------------------------------------------------------------------------------
check_exit 5 "a budget too short says what would do" "$ponder" solve --budget 0.1ms "$question"
shows 'the budget is too short.*[0-9]+ ms'
check_exit 5 "and as JSON too" sh -c "'$ponder' solve --json --budget 0.1ms '$question' 2>/dev/null"
shows '"answer":"".*"status":"deadline"'
check_exit 4 "memory too small says what is needed" "$ponder" solve --memory 1MiB "$question"
check_exit 4 "info says that a plan does not fit" sh -c "'$ponder' info --memory 1MiB >/dev/null"
shows 'the plan needs .* lower --samples'
need=$("$ponder" info --json | sed 's/.*"memory_bytes":\([0-9]*\).*/\1/')
check "exactly the planned memory is enough" "$ponder" solve --memory "$need" --max-tokens 256 --budget 2s -q "$question"
check_exit 4 "one byte less is not" "$ponder" solve --memory "$((need - 1))" "$question"
check "info fits into exactly its plan" "$ponder" info --memory "$need"
check_exit 4 "and not into one byte less" "$ponder" info --memory "$((need - 1))"
check_end
