#!/usr/bin/env bash
# The whole pipeline at commit_every 1, 10 and 60 s, and its instructions a reading (valgrind's callgrind).
#   tests/bench/whole.sh BENCH_WHOLE [DIR]     DIR on a real disk
set -euo pipefail
bench=${1:?the program bench_whole} dir=${2:-.}
for every in 1 10; do "$bench" 12 "$every" "$dir"; done
"$bench" 192 60 "$dir" # long enough for what a year keeps
command -v valgrind >/dev/null || { echo "no valgrind: instructions not counted" && exit 0; }
out=$(mktemp)
trap 'rm -f "$out"' EXIT
for hours in 1 2; do
    valgrind --tool=callgrind --callgrind-out-file="$out" "$bench" "$hours" 10 "$dir" >/dev/null 2>&1
    awk -v hours="$hours" '/^(summary|totals):/ { n = $2 } END { print hours, n }' "$out"
done | awk '{ n[$1] = $2 } END { printf "%.0f instructions a reading (the second hour alone, all threads, commit_every 10 s)\n", (n[2] - n[1]) / 36000 }'
