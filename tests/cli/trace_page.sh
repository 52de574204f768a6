#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# trace_page.sh - the page of `ponder trace --html` in a browser without a window: it draws every step, runs nothing, fetches
# nothing, whatever the texts are. Skipped where there is no Chromium.
# shellcheck disable=SC2154 # $check_output
set -u
. tests/support/check.sh

ponder=${BUILD:-build}/ponder
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
if [ -z "$browser" ]; then
    skip "the page in a browser" "no chromium"
    check_end
fi
work=$(mktemp -d)
trap 'rm -rf "$work" "$check_output"' EXIT

# Opens a page: its elements in FILE.dom, what the browser says in FILE.said, its requests in FILE.net. The browser's own, to
# its makers, are left out.
visit() {
    timeout 120 "$browser" --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
        --disable-component-update --disable-extensions --disable-sync --host-resolver-rules="MAP * ~NOTFOUND" \
        --enable-logging=stderr --user-data-dir="$work/profile" --window-size=900,1200 --log-net-log="$1.log" \
        "$2" "file://$1" >"$1.dom" 2>"$1.said" || fail "the browser opens $1" "$(tail -n 5 "$1.said")"
    grep -oE '"url":"(https?|wss?|ftp):[^"]*"' "$1.log" | grep -vE '//[a-z0-9.]*(google|googleapis|gvt1)\.com[:/]' >"$1.net"
}
count() { grep -o -- "$1" "$2" | wc -l; }

# What a model may write, and what would happen if a page took it for its own.
cat >"$work/trace" <<'T'
{"event":"question","question":"<script>nonsense()</script> 1 < 2 & \"so\"?"}
{"event":"start","path":0,"ms":1}
{"event":"start","path":1,"ms":1}
{"event":"step","path":0,"ms":2,"text":"<img src='http://ponder.invalid/a.png' onerror='nonsense()'>\n"}
{"event":"step","path":1,"ms":2,"text":"</pre></details><script src=\"http://ponder.invalid/b.js\"></script>\n"}
{"event":"score","path":0,"ms":2,"score":0.75}
{"event":"look","path":0,"ms":2,"text":"<iframe src=//ponder.invalid/c>\n"}
{"event":"score","path":1,"ms":2,"score":0,"note":"vetoed"}
{"event":"prune","path":1,"ms":2,"note":"vetoed"}
{"event":"fork","path":2,"parent":0,"ms":2}
{"event":"end","path":2,"parent":0,"ms":3,"text":"#2","answer":"2","note":"complete"}
{"event":"end","path":0,"ms":3,"text":"so\nso\nso\n","answer":"","note":"repeats"}
{"event":"choose","path":2,"parent":0,"ms":4,"text":"#2","answer":"2","score":0.5,"note":"beam"}
{"event":"answer","answer":"2","strategy":"beam","status":"complete","samples":2,"tokens":9,"ms_total":4}
T

# check_page NAME: the page of $work/NAME.
check_page() {
    page=$work/$1.html
    check "$1: the page is written" "$ponder" trace --html "$page" "$work/$1"
    visit "$page" --dump-dom
    nodes=$(grep -cE '"event":"(step|end)"' "$work/$1")
    if [ "$(count '<li>' "$page.dom")" -eq "$nodes" ]; then pass "$1: draws $nodes steps"; else fail "$1: draws $nodes steps" "$(cat "$page.dom")"; fi
    paths=$(grep -E '"event":"(step|end)"' "$work/$1" | grep -o '"path":[0-9]*' | sort -u | wc -l)
    drawn=$(grep -o 'title="path [0-9]*,' "$page.dom" | sort -u | wc -l)
    if [ "$drawn" -eq "$paths" ]; then pass "$1: of $paths paths"; else fail "$1: of $paths paths" "$drawn"; fi
    if grep -qE '<(script|img|iframe|link|object)' "$page.dom"; then fail "$1: texts stay texts" "$(cat "$page.dom")"; else pass "$1: texts stay texts"; fi
    if grep -q CONSOLE "$page.said"; then fail "$1: the browser has nothing to say" "$(grep CONSOLE "$page.said")"; else pass "$1: the browser has nothing to say"; fi
    if [ -s "$page.net" ]; then fail "$1: nothing is fetched" "$(cat "$page.net")"; else pass "$1: nothing is fetched"; fi
}

# Pages that do what ours must not are found out.
cat >"$work/bad.html" <<'P'
<!DOCTYPE html><img src="http://ponder.invalid/a.png"><script>nonsense()</script>
P
visit "$work/bad.html" --dump-dom
check "a script that fails is seen" grep -q 'CONSOLE.*nonsense' "$work/bad.html.said"
check "a request is seen" grep -q 'ponder\.invalid' "$work/bad.html.net"

check_page trace
echo '<!DOCTYPE html>' >"$work/blank.html"
visit "$work/blank.html" --screenshot="$work/blank.png"
visit "$work/trace.html" --screenshot="$work/page.png"
check "there is something to see" test "$(wc -c <"$work/page.png")" -gt $((2 * $(wc -c <"$work/blank.png")))

model=${PONDER_MODELS:-models}/smollm2-135m.gguf
if [ -f "$model" ]; then
    check "a search of a real model" "$ponder" solve -m "$model" --strategy beam --verifier confidence,arithmetic --samples 4 \
        --max-tokens 40 --trace "$work/real" "Tom has 3 apples & buys 4. How many has he?"
    check_page real
else
    skip "a search of a real model" "no $model"
fi
check_end
