#!/usr/bin/env bash
# Times sac beside Stable-Baselines3 and SBX on this machine and writes a Markdown table.
#
#   scripts/bench_peers.sh [--repeats N] [--parts update,small,sizes,rate,solve,rollout,shares]
#                          [--threads 1,2] [--out FILE]
#
# PEERS_PYTHON names a Python that has them; without it they are installed into .deps/peers.
# SAC names the program (default build/sac). Close other programs: the runs take turns, so that a
# slow minute falls on all, but the figures are only as steady as the machine.
set -eu
cd "$(dirname "$0")/.."
python=${PEERS_PYTHON:-.deps/peers/bin/python}
if [ -z "${PEERS_PYTHON:-}" ] && ! "$python" -c 'import sbx, stable_baselines3' 2>/dev/null; then
  echo "bench_peers: installing stable-baselines3, sbx-rl and gymnasium into .deps/peers" >&2
  python3 -m venv --without-pip .deps/peers
  python3 -m pip --python "$python" install --quiet \
    stable-baselines3 sbx-rl 'gymnasium[mujoco]==1.4.0' envpool
fi
exec "$python" scripts/bench_peers.py --sac "${SAC:-build/sac}" "$@"
