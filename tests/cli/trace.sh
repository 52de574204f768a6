#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# trace.sh - a search written by --trace and drawn by ponder trace, from a made-up trace and from a real model.
set -u
. tests/support/check.sh
ponder=${BUILD:-build}/ponder
work=$(mktemp -d)
trap 'rm -rf "$work" "$check_output"' EXIT

shows() {
    if grep -qE -- "$1" "$check_output"; then pass "shows $1"; else fail "shows $1" "$(cat "$check_output")"; fi
}

# Two paths; the first is forked, the fork answers, what remains is given up.
cat >"$work/trace" <<'T'
{"event":"question","id":7,"question":"Is 1 < 2 & \"so\"?"}
{"event":"start","path":0,"ms":1.5}
{"event":"start","path":1,"ms":1.5}
{"event":"step","path":0,"ms":2,"text":"1<2\n"}
{"event":"step","path":1,"ms":2,"text":"2<1\n"}
{"event":"score","path":0,"ms":2,"score":0.75}
{"event":"score","path":1,"ms":2,"score":0,"note":"vetoed"}
{"event":"prune","path":1,"ms":2,"note":"vetoed"}
{"event":"fork","path":2,"parent":0,"ms":2}
{"event":"end","path":2,"parent":0,"ms":3,"text":"#2","answer":"2","note":"complete"}
{"event":"end","path":0,"ms":3,"text":"#\n1\n","answer":"","note":"cut"}
{"event":"score","path":2,"parent":0,"ms":3,"score":null}
{"event":"some later kind","path":2}
{"event":"revise","path":3,"parent":2,"ms":3}
{"event":"end","path":3,"parent":2,"ms":4,"text":"#3","answer":"3","note":"forced"}
{"event":"choose","path":2,"parent":0,"ms":4,"text":"1<2\n#2","answer":"2","score":0.5,"note":"beam"}
{"event":"answer","answer":"2","strategy":"beam","status":"complete","samples":2,"tokens":9,"ms_total":4}
T
cat >"$work/expected" <<'T'
Is 1 < 2 & "so"?
|- 1<2                                            0.750
|  |- #2                                          answer 2
|  |  ~ #3                                        answer 3  forced
|  '- #
|     1                                           cut: too long
'- 2<1                                            vetoed
answer 2 (50%), beam, complete, 2 samples, 9 tokens, 4 ms
T
check "draws a tree" "$ponder" trace "$work/trace"
sed 's/ *$//; s/   *\([ac]\)/ \1/' "$check_output" | tr -s ' ' >"$work/got"
tr -s ' ' <"$work/expected" >"$work/want"
check "as it should be" diff "$work/want" "$work/got"
sed 's/"note":"cut"/"note":"repeats"/' "$work/trace" >"$work/repeats"
check "says why a path was cut" "$ponder" trace "$work/repeats"
shows '1 +cut: repeats$'
check "reads standard input" sh -c "'$ponder' trace - <'$work/trace'"
check "writes a page" "$ponder" trace --html "$work/page.html" "$work/trace"
cp "$work/page.html" "$check_output"
shows '<b>Is 1 &lt; 2 &amp; &quot;so&quot;\?</b>'
shows '<pre>1&lt;2</pre>'
shows 'class="complete chosen"'
check_exit 1 "which refers to nothing outside" grep -qE 'https?:|src=|href=|<script|@import|url\(' "$work/page.html"
if command -v python3 >/dev/null; then
    cat >"$work/closed.py" <<'P'
import sys
from html.parser import HTMLParser
class Check(HTMLParser):
    open_ = []
    def handle_starttag(self, tag, attrs):
        if tag != "meta": self.open_.append(tag)
    def handle_endtag(self, tag):
        assert self.open_.pop() == tag, tag
check = Check()
check.feed(open(sys.argv[1], encoding="utf-8").read())
assert not check.open_
P
    check "and whose elements are closed in order" python3 "$work/closed.py" "$work/page.html"
fi

head -n 10 "$work/trace" >"$work/cut"
check "a trace that was cut off is drawn as far as it goes" "$ponder" trace "$work/cut"
shows 'answer none'
: >"$work/empty"
check_exit 3 "an empty trace is an error" "$ponder" trace "$work/empty"
check_exit 3 "a file that is not there too" "$ponder" trace "$work/nothing"
check_exit 3 "and a page that cannot be written" "$ponder" trace --html "$work/no/page" "$work/trace"
for bad in 'text' '{"event":1}' '{"event":"step","path":0}' '{"a":1}'; do
    printf '%s\n' "$bad" >"$work/bad"
    check_exit 3 "refuses $bad" "$ponder" trace "$work/bad"
    shows 'line 1: '
done
for bad in '{"event":"step","path":5}' '{"event":"fork","path":1,"parent":9}' '{"event":"fork","path":1,"parent":1}' \
    '{"event":"start","path":-1}' '{"event":"start","path":1e9}' '{"event":"start"}' '{"event":"question"}'; do
    { head -n 2 "$work/trace"; printf '%s\n' "$bad"; } >"$work/bad"
    check_exit 3 "refuses $bad" "$ponder" trace "$work/bad"
    shows 'line 3: '
done

. tests/support/real_model.sh
check "solve writes a trace" "$ponder" solve $quick --strategy majority --samples 2 --trace "$work/real" "$question"
check "which is drawn" "$ponder" trace "$work/real"
shows '^answer .*majority, '
check "with a line for each path's end" sh -c "[ \$(grep -c '\"event\":\"end\"' '$work/real') -eq 2 ]"
check_exit 3 "a trace that cannot be written is an error" "$ponder" solve $quick --trace "$work/no/trace" "$question"
check_exit 2 "an unknown verifier is named, and those there are" "$ponder" solve $quick --verifier nobody "$question"
shows "no verifier 'nobody'.*confidence.* none"
check "a beam without a verifier says what judges" "$ponder" solve -m "$model" --strategy beam --samples 2 --max-tokens 8 "$question"
shows 'note: no verifier gives scores'
check_end
