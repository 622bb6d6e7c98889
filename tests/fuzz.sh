#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# fuzz: each fuzz target runs for FUZZ_SECONDS (20), from the seeds that the tree has for it. The same inputs each time,
# so that a change is judged by what it changes; FUZZ_SEED=0 takes others. TAP.
seconds=${FUZZ_SECONDS:-20}
seed=${FUZZ_SEED:-1}
n=0
for target in tests/fuzz/fuzz_*; do
  [ -x "$target" ] && [ ! -d "$target" ] || continue
  case $target in *.*) continue ;; esac
  name=${target##*/fuzz_}
  corpus=$(mktemp -d)
  case $name in
  packet) for f in "$srcdir"/tests/vectors/*.hex; do
      python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))' <"$f" >"$corpus/$(basename "$f")"
    done ;;
  conf) cp "$srcdir"/tests/conf/*.conf "$srcdir"/conf/iusbd.conf "$corpus" ;;
  esac
  [ -d "$srcdir/tests/fuzz/corpus/$name" ] && cp "$srcdir/tests/fuzz/corpus/$name"/* "$corpus"
  n=$((n + 1))
  echo "# $name: $seconds s"
  if "$target" -seed="$seed" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="./fuzz-$name-" "$corpus" >"fuzz-$name.log" 2>&1; then
    echo "ok $n - $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "fuzz-$name.log") inputs"
  else
    echo "not ok $n - $name"
    tail -n 40 "fuzz-$name.log" | sed 's/^/# /'
  fi
  rm -rf "$corpus"
done
[ "$n" -gt 0 ] || { n=1; echo "not ok 1 - there are no fuzz targets: configure with --enable-fuzzers"; }
echo "1..$n"
