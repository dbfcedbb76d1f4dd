#!/usr/bin/env bash
# Everything that only a GPU can show, in one call of under ten minutes: correctness, sanitisers,
# learning, resume, speed beside PyTorch and JAX. Prints each section's result as it ends and a
# table last; writes report.md, the measurements and the logs to the folder OUT (default
# build/gpu/results).
#
#   scripts/gpu_check.sh [SECTION ...]     default: all of them
#
# Needs the bundle (make gpu-bundle), a driver, cuBLAS 13 (a CUDA toolkit's, or that of Python's
# `nvidia` folder), a python3 with numpy; PyTorch, JAX and compute-sanitizer where they are there.
# It installs nothing and needs no network.
set -u -o pipefail
cd "$(dirname "$0")/.." || exit 1
[ -d build/gpu ] && bundle=$PWD/build/gpu || bundle=$PWD
[ -x "$bundle/build/sac" ] || { echo "gpu_check: no bundle here: run make gpu-bundle" >&2; exit 2; }
out=${OUT:-$bundle/results}
mkdir -p "$out"
cd "$bundle" || exit 1
sac=$bundle/build/sac
export SAC_ASSETS=$bundle/assets SAC_TEST_CUDA_LIB=$bundle/build/libsac_cuda.so NO_COLOR=1
report=$out/report.md
: >"$report"
passed=0 failed=0
started=$SECONDS

# cuBLAS: the loader's own places, else the folder that comes with Python's packages
if ! ldconfig -p 2>/dev/null | grep -q 'libcublas\.so\.13'; then
  for folder in /usr/local/cuda/lib64 \
      $(python3 -c 'import nvidia, os; [print(os.path.join(p, d, "lib")) for p in
        nvidia.__path__ for d in ("cublas", "cu13")]' 2>/dev/null); do
    [ -e "$folder/libcublas.so.13" ] && export LD_LIBRARY_PATH=$folder:${LD_LIBRARY_PATH:-} && break
  done
fi

say() { printf '%s\n' "$*" | tee -a "$report"; }

# verdict NAME STATUS TEXT: one line of the last table
lines=()
verdict() {
  [ "$2" -eq 0 ] && { passed=$((passed + 1)); word=ok; } || { failed=$((failed + 1)); word=FAILED; }
  lines+=("| $1 | $word | $3 |")
  printf '%-22s %-6s %s (%d s)\n' "$1" "$word" "$3" "$((SECONDS - started))"
}

# limited SECONDS LOG COMMAND ...: with a time box
limited() {
  local box=$1 log=$out/$2
  shift 2
  timeout --kill-after=5 "$box" "$@" >"$log" 2>&1
}

section_device() {
  say "# sac on a GPU"
  say ""
  say "$(date -u +%F), $(nvidia-smi --query-gpu=name,driver_version,memory.total \
    --format=csv,noheader 2>/dev/null | head -n 1); $(uname -m), $(nproc) cores"
  say ""
  say '```'
  say "$("$sac" --version 2>&1)"
  say '```'
  "$sac" doctor 2>&1 | grep -q '^cuda *yes'
  verdict device $? "$("$sac" --version 2>&1 | tail -n 1 | cut -c 1-100)"
}

section_ops() {
  limited 90 ops.log build/sac_tests --gtest_brief=1 \
    --gtest_filter='*Ops*cuda*:*AgentS*uda*:*DeviceEnv*cuda'
  local status=$?
  grep -q '^\[  PASSED  \] [1-9]' "$out/ops.log" || status=1
  verdict ops $status "$(grep -E '^\[  (PASSED|FAILED|SKIPPED) ' "$out/ops.log" | head -n 3 |
    tr -s ' []\n' ' ')"
}

section_parity() {
  local case status=0
  for case in tests/golden/*.yaml; do
    "$sac" trace update "$case" --in "${case%.yaml}.safetensors" --out "$out/trace" \
      run.device=cuda >>"$out/parity.log" 2>&1 &&
      python3 scripts/golden.py check "$case" "$out/trace" >>"$out/parity.log" 2>&1 || status=1
  done
  rm -f "$out/trace"
  verdict golden $status "$(grep -c ' passed, 0 failed' "$out/parity.log") of 9 fixtures"
  limited 90 many.log python3 scripts/golden.py check-many "$sac" 60 1 cuda
  verdict float64 $? "$(tail -n 2 "$out/many.log" | tr '\n' ' ')"
}

section_sanitizer() {
  local tool
  if ! command -v compute-sanitizer >/dev/null; then
    say "compute-sanitizer is not here: skipped"
    return
  fi
  for tool in memcheck racecheck; do
    SAC_TEST_SMALL=1 limited 60 $tool.log compute-sanitizer --tool $tool --error-exitcode 9 \
      build/sac_tests --gtest_brief=1 \
      --gtest_filter='*LinearOps.Members*cuda*:*LinearOps.*Listed*cuda*:*LinearOps.*Columns*cuda*:'\
'*LossOps.*cuda*:*GaussianOps.*Clamp*cuda*:*RandomOps.Gather*Lays*cuda*:*OptimiserOps.First*cuda*'
    verdict $tool $? "$(grep -E 'ERROR SUMMARY|RACECHECK SUMMARY|PASSED' "$out/$tool.log" |
      tr -s '=\n' ' ' | cut -c 1-110)"
  done
}

section_learning() {
  rm -rf "$out/runs"
  limited 120 pendulum.log "$sac" train configs/pendulum.yaml run.device=cuda \
    --out "$out/runs/pendulum" --json
  local mean
  mean=$("$sac" eval "$out/runs/pendulum" --episodes 100 --json 2>>"$out/pendulum.log" |
    sed -n 's/.*"return_mean":\([-0-9.e]*\).*/\1/p')
  awk -v x="${mean:-nan}" 'BEGIN { exit !(x >= -165) }'
  verdict pendulum $? "return ${mean:-none} over 100 episodes, bar -165"
  limited 100 cheetah.log "$sac" train configs/half_cheetah.yaml run.device=cuda \
    algorithm.total_timesteps=15000 algorithm.learning_starts=1000 eval.every=5000 eval.episodes=5 \
    --out "$out/runs/cheetah" --json
  local status=$?
  mean=$(awk -F, 'NR > 1 && $6 != "" { x = $6 } END { print x }' "$out/runs/cheetah/metrics.csv")
  awk -v x="${mean:-nan}" 'BEGIN { exit !(x > 100) }' || status=1
  verdict half_cheetah $status "evaluation return ${mean:-none} after 15,000 steps, above 100"
}

# the hash of a run's newest state
state_of() {
  "$sac" inspect "$(find "$1/checkpoints" -name 'step-*' | sort | tail -n 1)" --json |
    sed -n 's/.*"state_xxh3":"\([0-9a-f]*\)".*/\1/p'
}

section_resume() {
  local small='algorithm.learning_starts=200 eval.every=0 run.device=cuda'
  # shellcheck disable=SC2086  # one word an override
  limited 60 resume.log bash -c "
    '$sac' train configs/half_cheetah.yaml $small algorithm.total_timesteps=1200 \
      --out '$out/runs/whole' &&
    '$sac' train configs/half_cheetah.yaml $small algorithm.total_timesteps=700 \
      --out '$out/runs/parts' &&
    '$sac' resume '$out/runs/parts' algorithm.total_timesteps=1200"
  [ -n "$(state_of "$out/runs/whole")" ] &&
    [ "$(state_of "$out/runs/whole")" = "$(state_of "$out/runs/parts")" ]
  verdict resume $? "1,200 steps of HalfCheetah-v5, stopped at 700 or not: $(state_of \
    "$out/runs/whole")"
}

# updates LABEL OVERRIDE ...: a row of the table of updates
updates() {
  local label=$1 line
  shift
  line=$(timeout 40 "$sac" bench update --json run.device=cuda "$@" 2>>"$out/bench.log")
  printf '%s\n' "$line" >>"$out/bench.jsonl"
  python3 - "$label" "$line" <<'PY' | tee -a "$report"
import json, sys
label, line = sys.argv[1:]
try:
    d = json.loads(line)
    print(f"| {label} | {d['us_per_update']:.1f} | {d['p10']:.1f} .. {d['p90']:.1f} | "
          f"{d['updates_per_s']:.0f} | {d['gflops'] / 1e3:.2f} | "
          f"{100 * d['gflops'] / d['peak_gflops']:.0f} |")
except (ValueError, KeyError):
    print(f"| {label} | failed | | | | |")
PY
}

section_bench() {
  local sizes rows seeds precision way
  : >"$out/bench.jsonl"
  say ""
  say "| update | us a seed-update | p10 .. p90 | seed-updates/s | TFLOP/s | % of fp32 peak |"
  say "|---|---|---|---|---|---|"
  for precision in fp32 tf32 bf16; do
    case $precision in
      fp32) sizes='256 1024 4096 32768' seeds='4 32 64' ;;
      tf32) sizes='256 32768' seeds='32 64' ;;
      bf16) sizes='32768' seeds='64' ;;
    esac
    for rows in $sizes; do
      updates "batch $rows, $precision" run.matmul_precision=$precision algorithm.batch_size="$rows"
    done
    for n in $seeds; do
      updates "$n seeds, $precision" run.matmul_precision=$precision "run.seeds=[$(seq -s, 1 "$n")]"
    done
  done
  updates "sac_v1, fp32" algorithm.name=sac_v1
  updates "64x64, batch 100" 'policy.hidden=[64,64]' 'critic.hidden=[64,64]' \
    algorithm.batch_size=100
  ! grep -q '^$' "$out/bench.jsonl"
  verdict bench $? "$(wc -l <"$out/bench.jsonl") measurements; 256 rows: $(head -n 1 \
    "$out/bench.jsonl" | sed 's/.*"us_per_update":\([0-9.]*\).*/\1/' | cut -c 1-6) us"
  say ""
  say "Training HalfCheetah-v5, one update a step:"
  say '```'
  for way in cuda,none cuda,lag1 cpu,none; do
    say "$way: $(timeout 40 "$sac" bench train env.id=HalfCheetah-v5 "run.device=${way%,*}" \
      "run.overlap=${way#*,}" bench.steps=4000 bench.from=1000 algorithm.learning_starts=500 2>&1 |
      head -n 1)"
  done
  say '```'
}

# rollout DEVICE STEPS: transitions a second of the environments alone, and with policy and learner
rollout() {
  local common="env.id=Pendulum-v1 env.n_envs=16384 run.device=$1 env.device=$1" alone learning
  # shellcheck disable=SC2086  # one word an override
  alone=$(timeout 40 "$sac" bench rollout --json $common 2>>"$out/environments.log" |
    sed -n 's/.*"steps_per_s":\([0-9.e+]*\).*/\1/p' | head -n 1)
  # shellcheck disable=SC2086
  learning=$(timeout 60 "$sac" bench train --json $common algorithm.gradient_steps=1 \
    algorithm.learning_starts=16384 bench.from=163840 "bench.steps=$2" 2>>"$out/environments.log" |
    sed -n 's/.*"steps_per_s":\([0-9.e+]*\).*/\1/p' | head -n 1)
  say "| $1 | ${alone:-failed} | ${learning:-failed} |"
  rate=${learning:-0}
}

section_environments() {
  local rate there
  say ""
  say "| 16,384 x Pendulum-v1 on | environments alone, steps/s | with an update a vector step |"
  say "|---|---|---|"
  rollout cuda 65536000
  there=$rate
  rollout cpu 1638400
  awk -v x="$there" -v y="$rate" 'BEGIN { exit !(y > 0 && x >= 50 * y) }'
  verdict environments $? "$(awk -v x="$there" -v y="$rate" \
    'BEGIN { printf "%.1f times the CPU, at least 50 wanted", y > 0 ? x / y : 0 }')"
}

section_latency() {
  limited 20 latency.log build/latency
  verdict latency $? "$(tr -d '{}"' <"$out/latency.log" | cut -c 1-110)"
  say ""
  say "Latencies: \`$(cat "$out/latency.log")\`"
}

section_peers() {
  local form line
  say ""
  say "| the same update | us (least .. most) |"
  say "|---|---|"
  for form in torch-eager torch-compile torch-graph jax-jit jax-scan; do
    line=$(XLA_PYTHON_CLIENT_PREALLOCATE=false timeout 45 python3 scripts/gpu_peers.py $form \
      2>>"$out/peers.log" | tail -n 1)
    printf '%s\n' "$line" >>"$out/peers.jsonl"
    python3 - "$form" "$line" <<'PY' | tee -a "$report"
import json, sys
try:
    d = json.loads(sys.argv[2])
    print(f"| {sys.argv[1]} | {d['us_per_update']:.1f} ({d['least']:.1f} .. {d['most']:.1f}) |")
except ValueError:
    print(f"| {sys.argv[1]} | did not run |")
PY
  done
  grep -q us_per_update "$out/peers.jsonl"
  verdict peers $? "$(grep -c us_per_update "$out/peers.jsonl") of 5 ran"
}

sections=("$@")
[ $# -gt 0 ] ||
  sections=(device ops parity bench environments latency peers learning resume sanitizer)
for section in "${sections[@]}"; do
  declare -F "section_$section" >/dev/null || { echo "gpu_check: no section $section" >&2; exit 2; }
  "section_$section"
done
rm -rf "$out/runs"
(cd "$out" && tar -czf logs.tar.gz ./*.log && rm -f ./*.log) 2>/dev/null
say ""
say "| check | | result |"
say "|---|---|---|"
for line in "${lines[@]}"; do say "$line"; done
say ""
say "\`scripts/gpu_check.sh $*\`, $((SECONDS - started)) s"
say "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
