#!/usr/bin/env bash
# Checks what the compiler does not: the arrows between rooms, names, public headers, lines.
# Usage: scripts/lint.sh [BUILD]; BUILD (default: build) holds libsac.a. Names every offender; the
# last line is `N passed, N failed` (rules), the exit code says the same.
set -u
export LC_ALL=C.UTF-8
cd "$(dirname "$0")/.." || exit 1
build=${1:-build}
passed=0 failed=0

# a rule passes when it prints nothing
rule() {
  local title=$1 offenders
  shift
  offenders=$("$@" 2>&1)
  if [ -z "$offenders" ]; then
    passed=$((passed + 1))
    return
  fi
  failed=$((failed + 1))
  printf 'lint: %s\n' "$title"
  printf '%s\n' "$offenders" | sed 's/^/  /'
}

sources() {
  find src include kernels \( -name '*.[ch]' -o -name '*.cu' -o -name '*.cuh' \) 2>/dev/null | sort
}
code() { { sources; find tests -name '*.cc' -o -name '*.[ch]'; } | sort; }

# "FILE ROOM/NAME" of every include in quotes
includes() {
  sources | xargs -r grep -nHoE '^ *# *include *"[^"]+"' |
    sed -E 's/^([^:]+):[0-9]+: *# *include *"([^"]+)"/\1 \2/'
}

# a room includes itself, lower levels and the public headers; cpu and kernels are named by nobody;
# kernels compile the environments that are plain formulas
check_arrows() {
  includes | awk '
    BEGIN {
      split("base:0 config:1 io:1 backend:1 cpu:2 kernels:2 nn:2 env:2 data:2 algo:3 " \
            "inference:3 train:4 problem:4 cli:5", pairs, " ")
      for (i in pairs) { split(pairs[i], pair, ":"); level[pair[1]] = pair[2] }
    }
    {
      split($1, from, "/"); split($2, to, "/")
      room = from[1] == "src" ? from[2] : from[1]
      if (room == "include") {
        if (to[1] != "sac") print $1 " includes " $2 ": only public headers are allowed here"
      } else if (!(room in level)) print $1 ": no such room: " room
      else if (to[1] == "sac" || to[1] == room) next
      else if (room == "kernels" && $2 == "env/formula.h") next
      else if (!(to[1] in level)) print $1 " includes " $2 ": write it as \"room/file.h\""
      else if (to[1] == "cpu" || to[1] == "kernels")
        print $1 " includes " $2 ": reached only through the op table"
      else if (level[to[1]] >= level[room])
        print $1 " includes " $2 ": level " level[room] " may not reach level " level[to[1]]
    }'
}

check_includes_exist() {
  includes | while read -r file header; do
    [ -e "src/$header" ] || [ -e "include/$header" ] || [ -e "$header" ] ||
      echo "$file includes $header: there is no such file"
  done
}

check_cycles() {
  includes | awk '$1 ~ /\.h$/ { sub(/^(src|include)\//, "", $1); print $1, $2 }' |
    tsort 2>&1 >/dev/null
}

# X.c and X.h of one room are a pair; src/cpu/X.c and kernels/X.cu are the same ops on either
# device, backend/formulas/X.h what both call
check_names() {
  sources | sed -E 's/\.[a-z]+$//' | sort -u | awk -F/ '
    !($NF in first) { first[$NF] = $0; next }
    $0 ~ "^src/(cpu|backend/formulas)/" && first[$NF] == "kernels/" $NF { next }
    { print $0 " and " first[$NF] " share a name" }'
}

check_symbols() {
  [ -e "$build/libsac.a" ] || { echo "$build/libsac.a is missing: run make first"; return; }
  nm -g --defined-only "$build/libsac.a" 2>/dev/null | awk '
    /^[^ ]+\.o:$/ { object = $1; next }
    NF == 3 && $3 !~ /^sac_/ && $3 !~ /^(__asan|__odr_asan|__x86|_GLOBAL)/ { print object " " $3 }'
}

# constant tables of pointers lie in .data.rel.ro: they are written by the loader only
check_no_writable_globals() {
  [ -e "$build/libsac.a" ] || return
  objdump -t "$build/libsac.a" 2>/dev/null | awk '
    /file format/ { object = $1 }
    $2 == "g" && $3 == "O" && ($4 ~ /^\.(data|bss)/ || $4 == "*COM*") && $4 !~ /^\.data\.rel\.ro/ {
      print object " " $NF " is an external writable variable" }'
}

# as language, compiler and standard
compile_header() {
  echo "#include \"${4#include/}\"" |
    "$2" "-std=$3" -Wall -Wextra -Werror -Iinclude -fsyntax-only -x "$1" - 2>&1 |
    sed "s|^|as $3: |"
}

check_public_headers() {
  for header in include/sac/*.h; do
    compile_header c "${CC:-gcc}" c11 "$header"
    compile_header c++ "${CXX:-g++}" c++17 "$header"
  done
}

# what the kernels run on is the backend's business
check_no_device_above() {
  grep -rniE 'cuda|cublas|curand' src/algo src/nn src/data src/train
}

# ptxas tells of every kernel; without nvcc there is nothing to read. 48 KB of shared memory is what
# a block gets without asking
check_kernels() {
  for report in "$build"/cuda/*.ptxas; do
    [ -e "$report" ] || continue
    awk -v file="${report##*/}" '
      /Compiling entry function/ {
        kernel = $0; sub(/.*function ./, "", kernel); sub(/. for .*/, "", kernel) }
      /bytes spill stores/ && !/ 0 bytes spill stores/ { print file ": " kernel " spills:" $0 }
      / bytes smem/ { bytes = $0; sub(/ bytes smem.*/, "", bytes); sub(/.* /, "", bytes)
        if (bytes + 0 > 49152) print file ": " kernel " takes " bytes " bytes of shared memory" }
      /warning/ { print file ": " $0 }' "$report"
  done
}

# the device's library is opened at run time: it may need nothing of the program
check_device_library() {
  [ -e "$build/libsac_cuda.so" ] || return
  nm -D --undefined-only "$build/libsac_cuda.so" | grep -E ' U sac_'
}

check_line_width() {
  { code; find scripts .ci -name '*.py' -o -name '*.sh' -o -name run; echo Makefile; } |
    xargs -r awk 'length($0) > 100 { print FILENAME ":" FNR ": " length($0) " columns" }'
}

check_format() {
  command -v clang-format >/dev/null || return
  code | while read -r file; do
    clang-format --dry-run --Werror "$file" >/dev/null 2>&1 || echo "$file: run clang-format -i"
  done
}

check_open_ends() { code | xargs -r grep -nE '\b(TODO|FIXME|XXX)\b'; }

check_printing() {
  sources | grep -v '^src/cli/' | xargs -r grep -nE '(^|[^_a-z])(printf|puts|putchar|exit)\(|stdout'
}

warn_long_files() {
  code | xargs -r wc -l | awk '$2 != "total" && $1 > 500 {
    print "lint: note: " $2 " has " $1 " lines; a file is near 400" }'
}

rule "a room includes its own and lower rooms only" check_arrows
rule "every included file exists" check_includes_exist
rule "no headers include each other in a cycle" check_cycles
rule "file names are unique in the tree" check_names
rule "every external symbol begins with sac_" check_symbols
rule "no external writable variable" check_no_writable_globals
rule "each public header compiles alone" check_public_headers
rule "no room above the backend names a device's library" check_no_device_above
rule "kernels spill nothing and keep to their shared memory" check_kernels
rule "libsac_cuda.so uses no symbol of the program" check_device_library
rule "a line is within 100 columns" check_line_width
rule "clang-format decides the rest" check_format
rule "no open ends in the code" check_open_ends
rule "only src/cli prints to stdout or exits" check_printing
warn_long_files
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
