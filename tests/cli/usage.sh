#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage.sh - what needs no model: help, version, wrong words, wrong values. A message is one line that names
# what is wrong and where help is.
set -u
. tests/support/check.sh
ponder=${BUILD:-build}/ponder
unset PONDER_MODEL
commands="solve generate eval bench tokenize info pack"

# says TEXT: the last command printed TEXT, in one line
says() {
    if [ "$(wc -l <"$check_output")" -eq 1 ] && grep -qF -- "$1" "$check_output"; then
        pass "says: $1"
    else
        fail "says: $1" "$(cat "$check_output")"
    fi
}

shows() {
    if grep -qF -- "$1" "$check_output"; then pass "shows $1"; else fail "shows $1"; fi
}

check_exit 2 "without a command it shows its help" "$ponder"
shows "Usage: ponder COMMAND"
check "has --help" "$ponder" --help
for command in $commands; do shows "  $command "; done
shows "Exit codes: 0"
check "has help" "$ponder" help
check "has -h" "$ponder" -h
check "has --version" "$ponder" --version
says "ponder "

for command in $commands; do
    check "$command has --help" "$ponder" "$command" --help
    shows "Usage: ponder $command"
    shows "--model FILE"
    cp "$check_output" "$check_output.help"
    check "help $command says the same" "$ponder" help "$command"
    if diff "$check_output" "$check_output.help" >/dev/null; then pass "and does"; else fail "and does"; fi
    rm -f "$check_output.help"
done
check "trace has --help" "$ponder" trace --help
shows "--html FILE"
for name in greedy majority best-of-n best-of-n-weighted beam lookahead dvts rebase halving revise confidence self-certainty agreement arithmetic; do
    check "solve --help tells of $name" sh -c "'$ponder' solve --help | grep -q '^  $name  *[a-z-]'"
done
# Every option that a help shows is known to the parser, and wants a value exactly if the help shows one.
for command in $commands; do
    "$ponder" "$command" --help |
        sed -n 's/^  \(   \|-.,\) \(--[a-z-]*\) \([A-Z/]*\) .*/\2 \3/p' >"$check_output.options"
    while read -r option value; do
        case $option in --help) continue ;; esac
        if [ -n "$value" ]; then
            want="$option needs a value: $option $value"
            said=$("$ponder" "$command" "$option" 2>&1 </dev/null)
        else
            want="unknown option '--nonsense'"
            said=$("$ponder" "$command" "$option" --nonsense 2>&1 </dev/null)
        fi
        case $said in *"$want"*) ;; *) fail "$command $option $value is parsed as shown" "$said" ;; esac
    done <"$check_output.options"
    n=$(wc -l <"$check_output.options")
    if [ "$n" -ge 7 ]; then pass "$command knows its $n options"; else fail "$command shows options"; fi
    rm -f "$check_output.options"
done

check_exit 2 "refuses an unknown command" "$ponder" slove
says "did you mean solve?"
check_exit 2 "refuses a far command" "$ponder" xyzzy
says "see ponder --help"
check_exit 2 "refuses an unknown command of help" "$ponder" help slove
says "did you mean solve?"
check_exit 2 "refuses an unknown option" "$ponder" solve --buget 5s x
says "did you mean --budget?"
check_exit 2 "refuses a far option" "$ponder" solve --xyzzy x
says "see ponder solve --help"
check_exit 2 "refuses an unknown letter" "$ponder" solve -x
says "unknown option '-x'"
check_exit 2 "refuses another command's option" "$ponder" tokenize --budget 5s x
says "ponder tokenize has no option --budget"
check_exit 2 "refuses an option without its value" "$ponder" solve --budget
says "--budget needs a value: --budget TIME"
check_exit 2 "refuses a value where none goes" "$ponder" solve --json=yes x
says "--json takes no value"

# refuses OPTION VALUE...: each value is out of range
refuses() {
    option=$1
    shift
    for value; do
        check_exit 2 "refuses $option '$value'" "$ponder" solve "$option" "$value" x
        says "$option wants"
    done
}
refuses --budget 0 0ms -5ms 100 soon '' 5m
refuses --memory 0 -1 64XB '' much
refuses --samples 0 -1 257 8.5 many
refuses --lanes 0 65
refuses --threads -1 257 10000 all
refuses --max-tokens 0 1000000
refuses --max-prompt 0 1000000
refuses --seed -1 18446744073709551616 x
refuses --temp -1 101 hot nan
refuses --top-k -1 x
refuses --top-p 0 1.5
refuses --min-p -0.1 2
refuses --repeat-penalty 0 101
refuses --confidence 0 1.1
refuses --strategy Beam '' greed
refuses --score first ''
refuses --width 0 65
refuses --chains 0 257
refuses --lookahead 0 65
refuses --shard 0/4 5/4 4 1/0 a/b /4
check_exit 2 "says how a time is written" "$ponder" solve --budget 100 x
says "250ms, 2s, 1.5s or none"
check_exit 2 "says how a size is written" "$ponder" solve --memory x x
says "64MiB"

check_exit 2 "--stream does not go with --json" "$ponder" solve --stream --json x
check_exit 2 "--resume wants --jsonl" "$ponder" solve --resume f x
check_exit 2 "--shard wants --jsonl" "$ponder" solve --shard 1/2 x
check_exit 2 "--jsonl takes one file" "$ponder" solve --jsonl a b
check_exit 2 "--quiet does not go with --verbose" "$ponder" solve --quiet --verbose x
check_exit 2 "greedy takes one sample" "$ponder" solve --strategy greedy --samples 2 x
check_exit 2 "eval wants --data" "$ponder" eval
says "eval needs --data FILE"
check_exit 2 "eval takes --out or --resume" "$ponder" eval --data x --out a --resume b
check_exit 2 "info takes its file with -m" "$ponder" info x
check_exit 2 "bench takes no words" "$ponder" bench x
check_exit 2 "tokenize counts or writes JSON" "$ponder" tokenize --count --json x

check_exit 2 "refuses an empty question" "$ponder" solve ""
says "the question is empty"
check_exit 2 "refuses a blank question" "$ponder" solve "   "
check_exit 2 "refuses an empty prompt" "$ponder" generate ""
says "the prompt is empty"

check_exit 3 "names a model that is not there" "$ponder" solve -m none.gguf x
says "none.gguf"
check_exit 3 "names a model that is none" "$ponder" solve -m Makefile x
says "Makefile: "
check_exit 3 "a folder is no model" "$ponder" info -m tests
says "tests: "
check_exit 3 "PONDER_MODEL names the model" env PONDER_MODEL=none.gguf "$ponder" solve x
says "none.gguf"
folder=$(mktemp -d)
check_exit 3 "without a model says how to get one" sh -c "
    program=\$(readlink -f '$ponder') && cd '$folder' && exec \"\$program\" solve x"
says "models/fetch.sh"
rmdir "$folder"
check_exit 3 "names rows that are not there" "$ponder" solve --jsonl none.jsonl
says "none.jsonl"
check_exit 3 "names data that are not there" "$ponder" eval --data none.jsonl
says "none.jsonl"
if [ -c /dev/full ]; then
    check_exit 3 "says that help cannot be written" sh -c "'$ponder' --help >/dev/full"
    says "cannot write standard output"
else
    skip "says that help cannot be written" "no /dev/full"
fi
check_end
