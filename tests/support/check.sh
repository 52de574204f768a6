# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# check.sh - for shell tests, to be sourced: each check is one line for scripts/run-tests.sh to count.
#
#     . tests/support/check.sh
#     check "prints its version" "$ponder" --version        runs the command; ok if it exits 0
#     check_exit 2 "refuses an unknown option" "$ponder" --nonsense
#     skip "reads a model" "no models/smollm2-135m.gguf"
#     check_end
#
# A failed check shows what the command printed; the script goes on, and check_end exits 1.

check_failed=0
check_output=$(mktemp)
trap 'rm -f "$check_output"' EXIT

pass() { echo "ok - $1"; }
skip() { echo "skip - $1 # $2"; }

# fail NAME [REASON]
fail() {
    echo "not ok - $1${2:+ # $2}"
    check_failed=1
}

# check_exit CODE NAME COMMAND...: what it prints stays in "$check_output" until the next check.
check_exit() {
    check_want=$1
    check_name=$2
    shift 2
    check_code=0
    "$@" >"$check_output" 2>&1 </dev/null || check_code=$?
    if [ "$check_code" -eq "$check_want" ]; then
        pass "$check_name"
    else
        fail "$check_name" "exit $check_code, not $check_want: $*"
        sed 's/^/    /' "$check_output"
    fi
}

check() { check_exit 0 "$@"; }

check_end() { exit "$check_failed"; }
