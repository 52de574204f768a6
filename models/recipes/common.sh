# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# common.sh - what the recipes of policies share, to be sourced: the steps behind the first, each in a file of its own in
# $out, each begun again where it broke off (remove NAME.done to make it again). name, out and base_options are the recipe's.
# shellcheck disable=SC2154,SC2086 # the recipe sets them; lists of options
here=$(dirname "$0")
build=${BUILD:-build}
seed=${SEED:-1}
data=$out/data
mkdir -p "$data"

say() { echo "$name: $*" >&2; }

# Rows and vocabulary.
make_data() {
    PROBLEMS=$build/ponder-problems SEED=$seed "$here/data.sh" "$data" >&2
    [ -s "$data/valid.jsonl" ] ||
        cat "$data/gsm8k_valid.jsonl" "$data/mawps_valid.jsonl" "$data/mawps_valid.jsonl" >"$data/valid.jsonl"
}

# trained FILE OBJECTIVE OPTION...: $out/FILE.gguf
trained() {
    file=$1
    shift
    [ -e "$out/$file.done" ] && return
    say "trains $file"
    "$build/ponder-train" "$@" --out "$out/$file.gguf" --resume --seed "$seed"
    : >"$out/$file.done"
}

# rollouts MODEL_OPTION...: $out/rollouts.jsonl, of questions most of which are the training sets' own, or like them.
rollouts() {
    [ -e "$out/rollouts.done" ] && return
    say "samples, grades and labels"
    n=${ROLLOUTS:-6000}
    if [ ! -s "$out/asked.jsonl" ]; then
        {
            cat "$data/gsm8k.jsonl" "$data/mawps.jsonl" | awk 'NR % 5 == 1'
            awk 'NR % 17 == 1' "$data/mawps.like.jsonl"
            awk -F'"level":' 'NR % 60 == 1 && $2 + 0 <= 3' "$data/gsm8k.like.jsonl"
            head -n 1200 "$data/made.jsonl"
        } >"$out/asked.all"
        "$build/ponder-problems" mix --seed "$seed" "$out/asked.all" | head -n "$n" >"$out/asked.part"
        mv "$out/asked.part" "$out/asked.jsonl"
    fi
    "$build/ponder" rollout "$@" --data "$out/asked.jsonl" --samples "${SAMPLES:-16}" --labels "${LABELS:-8}" \
        --max-tokens 96 --seed "$seed" --resume "$out/rollouts.jsonl"
    : >"$out/rollouts.done"
}

# evaluated MODEL_OPTION...: the figures of the model card
evaluated() {
    for set in "${PONDER_DATA:-../shared/data}/asdiv_dev.jsonl" "$data/gsm8k_valid.jsonl"; do
        [ -s "$set" ] || continue
        for how in "greedy --samples 1" "majority --samples 16" "best-of-n-weighted --samples 16"; do
            echo "== $(basename "$set") $how"
            "$build/ponder" eval "$@" --data "$set" --strategy $how --confidence 1 --max-tokens 96 --verifier "$(verifier_of "$how")"
        done
    done
}
verifier_of() {
    case $1 in best*) echo arithmetic,head ;; *) echo arithmetic ;; esac
}
