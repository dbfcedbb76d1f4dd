#!/bin/sh
# How updates a second grow with batch, width, seeds and threads, and how far the time of an update
# lies from what all its operations take at the multiply-add peak, zeros counted: JSON and curves.
#
#   scripts/scaling.sh [FOLDER]     default: runs/scaling
#
# SAC names the program (default build/sac). Close other programs.
set -eu
cd "$(dirname "$0")/.."
sac=${SAC:-build/sac}
out=${1:-runs/scaling}
mkdir -p "$out"

bench() { # FILE key=value ...
  file=$out/$1.jsonl
  shift
  "$sac" bench update run.device=cpu "$@" --json >>"$file"
}

rm -f "$out"/batch.jsonl "$out"/width.jsonl "$out"/seeds.jsonl "$out"/threads.jsonl
for threads in 1 2; do
  for batch in 64 128 256 512 1024 2048 4096; do
    bench batch run.threads=$threads algorithm.batch_size=$batch
  done
  for width in 64 128 256 512 1024; do
    hidden="[$width,$width]"
    bench width run.threads=$threads policy.hidden="$hidden" critic.hidden="$hidden"
  done
  for seeds in '[1]' '[1,2]' '[1,2,3,4]' '[1,2,3,4,5,6,7,8]'; do
    bench seeds run.threads=$threads run.seeds="$seeds"
  done
done
for threads in $(seq 1 "$(nproc)"); do
  for batch in 256 1024; do
    bench threads run.threads="$threads" algorithm.batch_size=$batch
  done
done

plot() { # FILE X BY LOG
  "$sac" plot "$out/$1.jsonl" --x "$2" --y updates_per_s,us_per_update+peak_us --by "$3" \
    --log "$4" --out "$out/$1.svg"
}
plot batch batch threads xy
plot width width threads xy
plot seeds seeds threads y
plot threads threads batch y
