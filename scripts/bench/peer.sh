#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# peer.sh native|avx2 - builds llama.cpp's own benchmarks, and peer_probe beside them, into PEER_DIR/native or PEER_DIR/avx2
# (PEER_DIR: build/peer). The source is the package llama-cpp-python from PyPI, pinned; its vendored llama.cpp
# is all that is used. What is there already is left alone. Needs cmake, a C++ compiler, python3 with pip; 10 minutes.
set -eu
cd "$(dirname "$0")/../.."

version=0.3.36
level=${1:-native}
peer=${PEER_DIR:-build/peer}
source=$peer/llama_cpp_python-$version/vendor/llama.cpp
out=$peer/$level
jobs=$(getconf _NPROCESSORS_ONLN)

case $level in
native) flags=-DGGML_NATIVE=ON ;;
avx2) flags="-DGGML_NATIVE=OFF -DGGML_SSE42=ON -DGGML_AVX=ON -DGGML_AVX2=ON -DGGML_BMI2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_AVX512=OFF" ;;
*)
    echo "usage: scripts/bench/peer.sh native|avx2" >&2
    exit 2
    ;;
esac

for tool in cmake c++ python3; do
    command -v $tool >/dev/null 2>&1 || {
        echo "peer: $tool is missing: apt-get install cmake g++ python3-pip" >&2
        exit 3
    }
done

mkdir -p "$peer"
if [ ! -f "$source/CMakeLists.txt" ]; then
    [ -f "$peer/llama_cpp_python-$version.tar.gz" ] || python3 -m pip download --quiet --no-deps \
        --no-binary llama-cpp-python --no-cache-dir --dest "$peer" \
        "llama-cpp-python==$version" 2>"$peer/pip.log" ||
        # The package is there when pip goes on to look at what would build it, and may fail at that.
        [ -f "$peer/llama_cpp_python-$version.tar.gz" ] || {
            tail -n 3 "$peer/pip.log" >&2
            exit 1
        }
    tar -xzf "$peer/llama_cpp_python-$version.tar.gz" -C "$peer"
fi

targets="llama-bench llama-batched-bench llama-quantize"
for target in $targets; do
    [ -x "$out/bin/$target" ] || missing=yes
done
if [ "${missing:-}" ]; then
    echo "peer: building llama.cpp ($level) into $out, log in $out.log" >&2
    # shellcheck disable=SC2086 # lists of words
    { cmake -S "$source" -B "$out" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF $flags \
        -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
        -DLLAMA_BUILD_SERVER=OFF && cmake --build "$out" -j "$jobs" --target $targets; } >"$out.log" 2>&1 || {
        tail -n 5 "$out.log" >&2
        exit 1
    }
fi

# Vectorised exp in its log-softmax, as a program of its own would have.
probe=$out/bin/peer_probe
if [ ! -x "$probe" ] || [ scripts/bench/peer_probe.c -nt "$probe" ]; then
    [ "$level" = native ] && march=native || march=haswell
    ${CC:-cc} -std=c11 -O3 -march=$march -ffast-math -I"$source/include" -I"$source/ggml/include" \
        -c scripts/bench/peer_probe.c -o "$probe.o"
    c++ "$probe.o" "$out/src/libllama.a" "$out/ggml/src/libggml.a" "$out/ggml/src/libggml-cpu.a" \
        "$out/ggml/src/libggml-base.a" -fopenmp -pthread -ldl -o "$probe"
fi
