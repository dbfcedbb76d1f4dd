#!/usr/bin/env bash
# Trains Pendulum-v1, evaluates it over 100 episodes and says where the run lies: quickstart.sh SAC.
set -eu -o pipefail
cd "$(dirname "$0")/.."
sac=$1
run=$("$sac" train configs/pendulum.yaml --json |
  sed -n 's/.*"event":"done".*"run":"\([^"]*\)".*/\1/p')
echo
"$sac" eval "$run" --episodes 100
echo "the run lies in $run: metrics.csv, log.txt, checkpoints/"
echo "next: $sac eval $run; $sac train configs/half_cheetah.yaml"
