#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run-tests.sh PROGRAM|SCRIPT.sh... - runs tests from the repository's root, JOBS (2) at a time, at most
# TEST_LIMIT (900) seconds each, programs by way of RUN_WITH (an emulator, with options); those with "deadline" in their name measure time and run alone. One
# line for each in the order given, all output of those that failed, and at the end what failed, once more in
# short, and the sums. Exit 1 if anything failed, crashed, ran out of time or ran no test, or if there was nothing to run.
#
# What counts as one test: cmocka's totals; in shell tests the lines of tests/support/check.sh, or the
# script as a whole where there are none (exit 77: skipped).
set -u
cd "$(dirname "$0")/.." || exit 1

jobs=${JOBS:-2}
limit=${TEST_LIMIT:-900}
logs=$(mktemp -d) || exit 1
running=
trap 'rm -rf "$logs"' EXIT
trap 'kill $running 2>/dev/null; exit 130' INT TERM

n_passed=0
n_failed=0
n_skipped=0
n_started=0
n_shown=0

now_ms() { echo "$(($(date +%s%N) / 1000000))"; }

run() { # run LOG COMMAND...
    log=$1
    shift
    begin=$(now_ms)
    timeout -k 5 "$limit" "$@" >"$log" 2>&1 </dev/null &
    child=$!
    trap 'kill "$child" 2>/dev/null' TERM
    code=0
    wait "$child" || code=$?
    echo "$code $(($(now_ms) - begin))" >"$log.end"
}

# passed, failed, skipped as three words
count() {
    awk '/^\[  PASSED  \] [0-9]+ test/ { passed += $4 }
         /^\[  SKIPPED \] [0-9]+ test/ { skipped += $4 }
         /^ *[0-9]+ FAILED TEST/       { failed += $1 }
         /^ok - /     { passed++ }
         /^not ok - / { failed++ }
         /^skip - /   { skipped++ }
         END { print passed + 0, failed + 0, skipped + 0 }' "$1"
}

# Waits for the oldest running test and shows it.
finish_one() {
    # shellcheck disable=SC2086 # a list of process ids
    set -- $running
    wait "$1"
    shift
    running=$*
    n_shown=$((n_shown + 1))
    log=$logs/$n_shown
    name=$(cat "$log.name")
    code=1
    ms=0
    read -r code ms <"$log.end"
    # shellcheck disable=SC2046 # three words
    set -- $(count "$log")
    passed=$1
    failed=$2
    skipped=$3
    verdict=
    if [ "$code" -eq 124 ] || [ "$code" -eq 137 ]; then
        verdict="stopped after $limit s"
    elif [ "$code" -gt 128 ]; then
        verdict="crashed, signal $((code - 128))"
    elif [ $((passed + failed + skipped)) -eq 0 ]; then
        case $name:$code in
        *.sh:0) passed=1 ;;
        *.sh:77) skipped=1 ;;
        *:0) verdict="ran no test" ;;
        *) verdict="exit $code" ;;
        esac
    elif [ "$code" -ne 0 ] && [ "$failed" -eq 0 ]; then
        verdict="exit $code"
    fi
    [ -z "$verdict" ] || failed=$((failed + 1))
    n_passed=$((n_passed + passed))
    n_failed=$((n_failed + failed))
    n_skipped=$((n_skipped + skipped))
    printf '%-36s %4d passed %3d failed %3d skipped %7d.%d s  %s\n' "$name" "$passed" "$failed" \
        "$skipped" $((ms / 1000)) $((ms % 1000 / 100)) "$verdict"
    if [ "$failed" -gt 0 ]; then
        sed 's/^/    /' "$log"
        {
            echo "failed: $name $verdict"
            grep -E '^\[   LINE   \]|^\[  FAILED  \]|^not ok - |[Ee]rror:|ERROR' "$log" | sort -u | head -n 12 | sed 's/^/    /'
        } >>"$logs/failures"
    elif [ "$skipped" -gt 0 ]; then
        sed -n -e 's/^\[  SKIPPED \] \([^0-9]\)/    skipped: \1/p' -e 's/^skip - /    skipped: /p' "$log" |
            sort -u
    fi
    rm -f "$log"
}

n_running() {
    # shellcheck disable=SC2086
    set -- $running
    echo $#
}

finish_until() { # finish_until N_LEFT
    while [ "$(n_running)" -gt "$1" ]; do
        finish_one
    done
}

for test in "$@"; do
    room=$((jobs - 1))
    case $test in *deadline*) room=0 ;; esac
    finish_until "$room"
    n_started=$((n_started + 1))
    echo "${test#"${BUILD:-build}"/}" >"$logs/$n_started.name"
    # shellcheck disable=SC2086 # RUN_WITH is a command with options
    case $test in
    *.sh) run "$logs/$n_started" sh "$test" & ;;
    *) run "$logs/$n_started" ${RUN_WITH:-} "$test" & ;;
    esac
    running="$running $!"
    [ "$room" -gt 0 ] || finish_until 0
done
finish_until 0

[ ! -f "$logs/failures" ] || cat "$logs/failures"
echo "$n_passed passed, $n_failed failed, $n_skipped skipped"
[ "$n_failed" -eq 0 ] && [ "$n_passed" -gt 0 ]
