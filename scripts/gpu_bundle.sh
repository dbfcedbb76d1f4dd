#!/usr/bin/env bash
# Puts what scripts/gpu_check.sh needs into build/gpu, to be copied to a machine with a GPU, a
# driver and cuBLAS but neither compiler nor package manager: gpu_bundle.sh BUILD (called by
# `make gpu-bundle`, after a build). All but libc and cuBLAS is linked statically or lies beside.
set -eu -o pipefail
cd "$(dirname "$0")/.."
build=$1 bundle=$1/gpu
limit_mib=60

rm -rf "$bundle"
mkdir -p "$bundle/build" "$bundle/lib/sac" "$bundle/tests" "$bundle/assets"
objects=$(find "$build/obj" -name '*.o' ! -path "$build/obj/cli/main.o")
engine=$(echo "${MUJOCO_DIR:-.deps/mujoco}"/lib/libmujoco.so.*)
libraries="$engine -Wl,-Bstatic -lyaml -ljansson -lxxhash -lz -Wl,-Bdynamic -lpthread -lm"
rpath='-Wl,-rpath,$ORIGIN/../lib/sac'
# shellcheck disable=SC2086  # one word an object
g++ -O2 "$build/obj/cli/main.o" $objects -o "$bundle/build/sac" "$rpath" $libraries \
  -static-libstdc++ -static-libgcc
# shellcheck disable=SC2046,SC2086
g++ $(find "$build/tests" -name '*.o') $objects -o "$bundle/build/sac_tests" "$rpath" \
  -Wl,-Bstatic -lgtest -lgtest_main -Wl,-Bdynamic $libraries -static-libstdc++ -static-libgcc
strip --strip-debug "$bundle/build/sac" "$bundle/build/sac_tests"
cp "$build/libsac_cuda.so" "$bundle/build/"
nvcc -O3 -std=c++17 -gencode arch=compute_90,code=sm_90 -cudart static tests/gpu/latency.cu \
  -o "$bundle/build/latency"
cp "$engine" "$bundle/lib/sac/"
cp .deps/gymnasium/assets/*.xml "$bundle/assets/"
cp -r configs scripts "$bundle/"
cp -r tests/golden tests/cli "$bundle/tests/"
rm -rf "$bundle/scripts/__pycache__" "$bundle/tests/cli/__pycache__"
size=$(du -sm "$bundle" | cut -f 1)
echo "gpu-bundle: $bundle, $size MiB"
[ "$size" -le $limit_mib ] || { echo "gpu-bundle: more than $limit_mib MiB" >&2; exit 1; }
