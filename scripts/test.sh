#!/usr/bin/env bash
# Runs the tests of a build folder: scripts/test.sh BUILD fast|slow|sanitised.
#   fast       unit tests, gradients in the double build, the program from outside, also on the
#              CUDA kernels (which tests/shim runs on the CPU)
#   sanitised  unit tests and the program from outside, of a sanitiser's build
#   slow       kills, damage and disk faults; learning to stated returns
# The last line is `N passed, N failed[, N skipped]`; the exit code says the same.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1
build=$1 kind=$2
export SAC_ASSETS=${SAC_ASSETS:-$PWD/.deps/gymnasium/assets}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0 skipped=0

# a googletest program; one that dies counts as a failure
unit() {
  printf '== %s\n' "$*"
  "$@" --gtest_brief=1 2>&1 | tee "$log"
  local status=$? ok bad none
  ok=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) tests\{0,1\}\.$/\1/p' "$log")
  bad=$(sed -n 's/^ *\([0-9]*\) FAILED TESTS\{0,1\}$/\1/p' "$log")
  none=$(sed -n 's/^\[  SKIPPED \] \([0-9]*\) tests\{0,1\}.*/\1/p' "$log")
  [ "$status" -eq 0 ] || [ "${bad:-0}" -gt 0 ] || bad=1
  passed=$((passed + ${ok:-0})) failed=$((failed + ${bad:-0})) skipped=$((skipped + ${none:-0}))
}

# a script that ends with `N passed, N failed`
script() {
  printf '== %s\n' "$*"
  "$@" 2>&1 | tee "$log"
  local status=$? ok bad
  read -r ok _ bad _ <<<"$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)"
  [ "$status" -eq 0 ] || [ "${bad:-0}" -gt 0 ] || bad=1
  passed=$((passed + ${ok:-0})) failed=$((failed + ${bad:-0}))
}

case $kind in
  fast)
    unit "$build/sac_tests"
    unit "$build/double/sac_tests" --gtest_filter='*Gradient*:*Ops*'
    script python3 tests/cli/check_cli.py "$build/sac"
    script python3 tests/cli/check_convert.py "$build/sac"
    script python3 tests/shim/check_shim.py "$build/sac"
    ;;
  sanitised)
    export SAC_TEST_SMALL=1
    unit "$build/sac_tests"
    script python3 tests/cli/check_cli.py "$build/sac"
    script python3 tests/shim/check_shim.py "$build/sac"
    ;;
  slow)
    python=$(scripts/setup_python.sh) || exit 1
    script "$python" scripts/golden.py check-many "$build/sac" 200
    script "$python" scripts/reliability.py kill "$build/sac"
    script "$python" scripts/reliability.py seeds "$build/sac"
    script "$python" scripts/reliability.py damage "$build/sac"
    script "$python" scripts/reliability.py faults "$build/sac"
    script "$python" scripts/learning.py "$build/sac" pendulum lqr hierarchy \
      multigoal_sql pendulum_pg lqr_pg
    ;;
  *) echo "test.sh: '$kind' is none of fast, slow, sanitised" >&2; exit 2 ;;
esac
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
