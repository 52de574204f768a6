#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# curves.sh - eval --curves: what it refuses, what it draws of made-up journals, and a real run that breaks off.
# shellcheck disable=SC2154,SC2317 # real_model.sh sets them; check runs functions
set -u
. tests/support/check.sh
ponder=${BUILD:-build}/ponder
made=$(mktemp -d)
trap 'rm -rf "$made" "$check_output"' EXIT

says() {
    if [ "$(wc -l <"$check_output")" -eq 1 ] && grep -qF -- "$1" "$check_output"; then
        pass "says: $1"
    else
        fail "says: $1" "$(cat "$check_output")"
    fi
}
refuses() { # refuses TEXT OPTION...
    wanted=$1
    shift
    check_exit 2 "refuses $*" "$ponder" eval --data "$made/rows" "$@"
    says "$wanted"
}

: >"$made/rows"
dir="$made/none"
for list in 100 10ms,,20ms '' ',' '100ms,' ',100ms' soon 0ms 1s,2x; do
    refuses "--budgets wants " --curves "$dir" --strategies greedy --budgets "$list"
done
for list in best '' greedy,majorety majority: majority:0 majority:257 majority:x greedy:2 ',' a,,b; do
    refuses "--strategies wants " --curves "$dir" --strategies "$list" --budgets 1s
done
refuses "one of: auto greedy majority " --curves "$dir" --strategies best --budgets 1s
refuses "--budgets has 1000ms twice" --curves "$dir" --strategies greedy --budgets 1s,1000ms
refuses "--strategies has greedy twice" --curves "$dir" --strategies greedy,greedy --budgets 1s
refuses "--budgets has more than 16 words" --curves "$dir" --strategies greedy \
    --budgets 1s,2s,3s,4s,5s,6s,7s,8s,9s,10s,11s,12s,13s,14s,15s,16s,17s
refuses "--curves wants --strategies LIST and --budgets LIST" --curves "$dir" --budgets 1s
refuses "go with --curves DIR" --budgets 1s
refuses "go with --curves DIR" --compare
refuses "take the place of --strategy and --budget" --curves "$dir" --strategies greedy --budgets 1s --budget 1s
refuses "take the place of --strategy and --budget" --curves "$dir" --strategies greedy --budgets 1s --budget 9tok
refuses "--average-budget is for one" --curves "$dir" --strategies auto --budgets 1s --average-budget 1s
refuses "--curves does not go with --out" --curves "$dir" --strategies greedy --budgets 1s --out "$made/x"
refuses "--curves wants --data from a file" --data - --curves "$dir" --strategies greedy --budgets 1s
check "makes no folder for that" test ! -e "$dir"
check_exit 3 "cannot redraw what is not there" "$ponder" eval --curves "$dir" --redraw
says "there are no curves"

# Made-up journals: greedy is right about the first of four questions, majority about more with more time.
row() { # row ID CORRECT BUDGET MS DIFFICULTY PLAN
    printf '{"id":"%s","correct":%s,"budget_ms":%s,"ms_step":2,"answer":"1","samples":4,"steps":3,"tokens":20,"ms_total":%s,"difficulty":%s,"plan":"%s"}\n' "$@"
}
dir=$made/curves
mkdir "$dir"
echo '{"strategies":"greedy,majority:4","budgets":"200ms,100ms,none"}' >"$dir/run.json"
for budget in 100 200 0; do
    name=${budget}ms
    [ "$budget" -eq 0 ] && name=none
    right=false
    [ "$budget" -ne 100 ] && right=true
    {
        row a true "$budget" 50 null ''
        row b false "$budget" 50 null ''
        row c false "$budget" 50 null ''
        row d false "$budget" 50 null ''
    } >"$dir/greedy-$name.jsonl"
    {
        row d false "$budget" 80 null 'majority 4'
        row c "$right" "$budget" 80 0.2 'majority 4'
        row b "$right" "$budget" 103 0.5 'majority 2'
        row a true "$budget" 81 0.9 'greedy <&>'
        printf '{"id":"torn","corr'
    } >"$dir/majority-4-$name.jsonl"
done
check "draws journals again, without a model" "$ponder" eval --curves "$dir" --redraw --compare
cp "$check_output" "$made/table"
for line in '^greedy +25\.0% \(4\.6 to 69\.9\) +25\.0% \(4\.6 to 69\.9\) +25\.0%' \
    '^majority:4 +25\.0% \(4\.6 to 69\.9\) +75\.0% \(30\.1 to 95\.4\) +75\.0%' \
    '^  mean +86 ms +86 ms +86 ms$' '^  gain +\+0\.0 .*\+50\.0 \(.*\+50\.0 \(' \
    '^late: 1 of 16 answers, at most 3\.0 ms; by more than their longest decode step 1$' \
    '^greedy over majority:4:  0\.58 \('; do
    if grep -qE "$line" "$made/table"; then pass "prints $line"; else fail "prints $line" "$(cat "$made/table")"; fi
done
cat >"$made/wanted" <<'T'
strategy,budget_ms,n,correct,accuracy,low,high,mean_ms,p50_ms,p99_ms,max_ms,late,late_by_step,overshoot_p50_ms,overshoot_p90_ms,overshoot_p99_ms,overshoot_max_ms,mean_samples,mean_tokens,difference,difference_low,difference_high
greedy,100,4,1,0.2500,0.0456,0.6994,50.000,50.000,50.000,50.000,0,0,-50.000,-50.000,-50.000,-50.000,4.00,20.0,,,
greedy,200,4,1,0.2500,0.0456,0.6994,50.000,50.000,50.000,50.000,0,0,-150.000,-150.000,-150.000,-150.000,4.00,20.0,,,
greedy,0,4,1,0.2500,0.0456,0.6994,50.000,50.000,50.000,50.000,,,,,,,4.00,20.0,,,
majority:4,100,4,1,0.2500,0.0456,0.6994,86.000,80.000,103.000,103.000,1,1,-20.000,3.000,3.000,3.000,4.00,20.0,0.0000,-0.3267,0.3267
majority:4,200,4,3,0.7500,0.3006,0.9544,86.000,80.000,103.000,103.000,0,0,-120.000,-97.000,-97.000,-97.000,4.00,20.0,0.5000,-0.1656,0.8323
majority:4,0,4,3,0.7500,0.3006,0.9544,86.000,80.000,103.000,103.000,,,,,,,4.00,20.0,0.5000,-0.1656,0.8323
T
check "writes curves.csv" diff "$made/wanted" "$dir/curves.csv"
cat >"$made/wanted" <<'T'
strategy,budget_ms,from,to,n,late
greedy,100,0.48,0.50,4,0
greedy,200,0.24,0.26,4,0
majority:4,100,0.78,0.80,2,0
majority:4,100,0.80,0.82,1,0
majority:4,100,1.02,1.04,1,1
majority:4,200,0.38,0.40,2,0
majority:4,200,0.40,0.42,1,0
majority:4,200,0.50,0.52,1,0
T
check "writes latency.csv" diff "$made/wanted" "$dir/latency.csv"
cat >"$made/wanted" <<'T'
strategy,bin,chance_low,chance_high,budget_ms,n,plan,count
majority:4,1,0.2000,0.2000,100,1,"majority 4",1
majority:4,2,0.2000,0.5000,100,1,"majority 2",1
majority:4,4,0.5000,0.9000,100,1,"greedy <&>",1
majority:4,,,,100,1,"majority 4",1
T
grep -E 'budget_ms|,100,' "$dir/choices.csv" >"$made/got"
check "writes choices.csv" diff "$made/wanted" "$made/got"
check "writes factors.csv" grep -qE '^greedy,majority:4,largest,0\.2500,0\.5814,[0-9.]+,[0-9.]+,[0-9]+,4$' "$dir/factors.csv"
check "of each over the other" grep -qE '^majority:4,greedy,largest,0\.2500,1\.7200,' "$dir/factors.csv"
cp "$dir/factors.csv" "$made/factors"
check "and draws once more" "$ponder" eval --curves "$dir" --redraw --compare
check "the same factors" cmp "$made/factors" "$dir/factors.csv"
for picture in curves latency choices; do
    check_exit 1 "$picture.svg refers to nothing outside" grep -qE 'href|<script|@import|url\(' "$dir/$picture.svg"
    if command -v python3 >/dev/null; then
        check "and is well-formed" python3 -c "import sys, xml.dom.minidom as x; x.parse(sys.argv[1])" "$dir/$picture.svg"
    fi
done
check_exit 1 "no number in them is none" grep -qE 'nan|inf' "$dir/curves.svg" "$dir/latency.svg" "$dir/choices.svg"
rm "$dir"/choices.* "$dir"/majority-*
check "draws what is there of a run that broke off" "$ponder" eval --curves "$dir" --redraw --compare
check "without plans there is no map of choices" test ! -e "$dir/choices.svg"

. tests/support/real_model.sh
trap 'rm -rf "$made" "$work" "$check_output"' EXIT
cat >"$work/data" <<'ROWS'
{"id": 1, "question": "1 + 1 =", "answer": "2"}
{"id": 2, "question": "2 + 2 =", "answer": 4}
{"id": 3, "question": "3 + 3 =", "answer": "6"}
ROWS
run() { # run DIR OPTION...: without a budget nothing depends on time
    dir=$1
    shift
    "$ponder" eval --data "$work/data" --curves "$dir" --max-tokens 8 --confidence 1 "$@"
}
still() { sed 's/"ms_[a-z_]*":[0-9.]*/"ms":0/g' "$1"; }
check "asks" run "$work/whole" --strategies greedy,majority:3 --budgets none,100min
check "each pair has a journal" sh -c "cd '$work/whole' && wc -l greedy-none.jsonl greedy-6000s.jsonl majority-3-none.jsonl majority-3-6000s.jsonl | grep -c ' 3 ' | grep -qx 4"
check "with budgets as asked" grep -q '"budget_ms":6000000,' "$work/whole/greedy-6000s.jsonl"
check "and with more tokens than one sample may write" grep -qE '"strategy":"majority".*"tokens":(9|1[0-9]|2[0-4]),' "$work/whole/majority-3-none.jsonl"
cp -r "$work/whole" "$work/part"
head -n 1 "$work/whole/greedy-none.jsonl" >"$work/part/greedy-none.jsonl"
head -c 100 "$work/whole/majority-3-none.jsonl" >"$work/part/majority-3-none.jsonl"
rm "$work/part/greedy-6000s.jsonl"
cp "$work/part/majority-3-6000s.jsonl" "$work/kept"
check "goes on" run "$work/part" --strategies greedy,majority:3 --budgets none,100min
for name in greedy-none majority-3-none greedy-6000s; do
    still "$work/whole/$name.jsonl" >"$work/a"
    still "$work/part/$name.jsonl" >"$work/b"
    check "$name as if it had not broken off" diff "$work/a" "$work/b"
done
check "what was whole is not asked again" cmp "$work/kept" "$work/part/majority-3-6000s.jsonl"
check "pairs may be added" run "$work/part" --strategies greedy --budgets none,50min
check "which are asked" test "$(wc -l <"$work/part/greedy-3000s.jsonl")" -eq 3

differs() { # differs WHAT OPTION...
    what=$1
    shift
    check_exit 2 "refuses to go on with another $what" run "$work/part" --strategies greedy --budgets none "$@"
    if grep -q "begun with other settings: $what is .* there, .* here" "$check_output"; then
        pass "says so"
    else
        fail "says so" "$(cat "$check_output")"
    fi
}
differs seed --seed 5
differs samples --samples 4
differs temp --temp 0.5
sed 's/3 + 3/4 + 2/' "$work/data" >"$work/data2"
mv "$work/data2" "$work/data"
differs data
check_exit 3 "names data that are not there" run "$work/new" --strategies greedy --budgets none --data "$work/nothing"
check_exit 3 "and a folder that cannot be made" run "$work/no/new" --strategies greedy --budgets none
echo '{"id": 4, "question": "no answer"}' >>"$work/data"
check_exit 1 "a row without an answer is reported" run "$work/new" --strategies greedy --budgets none
shows 'line 4: .*"answer"; skipped'
check_end
