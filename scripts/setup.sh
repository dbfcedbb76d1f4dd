#!/bin/sh
# Sets up what the build needs, into .deps/ of this clone: Debian packages (through apt-get, the
# only thing written outside the clone), the MuJoCo engine from its pinned wheel, and Gymnasium's
# task XML. Run it as often as you like: it does what is missing and says so, else nothing.
# MUJOCO_DIR names another copy of the engine (lib/libmujoco.so.*, include/mujoco/mujoco.h).
set -eu
cd "$(dirname "$0")/.."

engine=mujoco-core==4.0.0
engine_sha256=885bd9b9cc0a6b5ba1114923eb954027652a6a0c115fa46b3218b83bae72ac4f
tasks=gymnasium==1.4.0
tasks_sha256=1cb947c59e7c72d8eabb2c2274c00cd20948e69f8452a9ef4092223be24fdf0e
pins="$engine $engine_sha256 $tasks $tasks_sha256"
mujoco=${MUJOCO_DIR:-.deps/mujoco}
scratch=.deps/scratch.$$

say() { echo "setup: $*" >&2; }
fail() { say "$*"; exit 1; }

has_engine() {
  [ -e "$mujoco/include/mujoco/mujoco.h" ] || return 1
  for library in "$mujoco"/lib/libmujoco.so.*; do [ -e "$library" ] && return 0; done
  return 1
}

has_assets() { [ -e .deps/gymnasium/assets/half_cheetah.xml ]; }

# the pins of the last set-up that ended well
has_pins() { [ -e .deps/ready ] && read -r found <.deps/ready && [ "$found" = "$pins" ]; }

has_header() { [ -e "/usr/include/$1" ] || [ -e "/usr/local/include/$1" ]; }

# one line a need: the package that brings it
missing_packages() {
  [ -n "${CC:-}" ] || command -v gcc >/dev/null || echo gcc
  [ -n "${CXX:-}" ] || command -v g++ >/dev/null || echo g++
  command -v make >/dev/null || echo make
  has_header yaml.h || echo libyaml-dev
  has_header jansson.h || echo libjansson-dev
  has_header xxhash.h || echo libxxhash-dev
  has_header zlib.h || echo zlib1g-dev
  has_header gtest/gtest.h || echo libgtest-dev
  command -v gnuplot >/dev/null || echo gnuplot-nox
  python3 -c 'import yaml' 2>/dev/null || /usr/bin/python3 -c 'import yaml' 2>/dev/null ||
    echo python3-yaml
  if ! $fetched; then
    command -v python3 >/dev/null && python3 -c 'import pip, zipfile' 2>/dev/null ||
      echo python3 python3-pip
    [ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
  fi
}

install_packages() {
  apt="env DEBIAN_FRONTEND=noninteractive apt-get"
  command -v apt-get >/dev/null || fail "install by hand (no apt-get here): $*"
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null ||
      fail "neither root nor sudo; run as root: apt-get install --no-install-recommends $*"
    apt="sudo $apt"
  fi
  say "installing Debian packages: $*"
  $apt -qq update || fail "apt-get update failed"
  $apt -qq install -y --no-install-recommends "$@" || fail "apt-get could not install: $*"
}

# download the wheel of one requirement and check it: NAME==VERSION SHA256
fetch_wheel() {
  say "fetching $1"
  python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$scratch/$1" \
    --platform manylinux_2_28_x86_64 --python-version 3.11 "$1" ||
    fail "pip could not download $1 (it uses pip's own configuration; is the network there?)"
  found=$(sha256sum "$scratch/$1"/*.whl | cut -d ' ' -f 1)
  [ "$found" = "$2" ] || fail "$1: the wheel's sha256 is $found, expected $2; nothing was installed"
  python3 -m zipfile -e "$scratch/$1"/*.whl "$scratch/$1/unpacked"
}

install_engine() {
  fetch_wheel "$engine" "$engine_sha256"
  mkdir -p "$scratch/mujoco/lib"
  mv "$scratch/$engine"/unpacked/mujoco/libmujoco.so.* "$scratch/mujoco/lib/"
  mv "$scratch/$engine/unpacked/mujoco/include" "$scratch/mujoco/include"
  rm -rf .deps/mujoco
  mv "$scratch/mujoco" .deps/mujoco
}

install_assets() {
  fetch_wheel "$tasks" "$tasks_sha256"
  mkdir -p "$scratch/gymnasium"
  mv "$scratch/$tasks/unpacked/gymnasium/envs/mujoco/assets" "$scratch/gymnasium/assets"
  rm -rf .deps/gymnasium
  mv "$scratch/gymnasium" .deps/gymnasium
}

fetched=false
if has_pins && has_engine && has_assets; then fetched=true; fi
missing=$(missing_packages)
# shellcheck disable=SC2086  # one word a package
[ -z "$missing" ] || install_packages $missing
$fetched && exit 0

trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch"
if [ -n "${MUJOCO_DIR:-}" ]; then
  has_engine ||
    fail "MUJOCO_DIR=$MUJOCO_DIR holds no lib/libmujoco.so.* and include/mujoco/mujoco.h"
  say "using the engine in $MUJOCO_DIR"
else
  [ "$(uname -sm)" = "Linux x86_64" ] ||
    fail "the pinned engine is for Linux x86_64, this is $(uname -sm): set MUJOCO_DIR"
  install_engine
fi
install_assets
echo "$pins" >"$scratch/ready"
mv "$scratch/ready" .deps/ready
say "ready"
