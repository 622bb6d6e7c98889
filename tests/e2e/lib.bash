# SPDX-License-Identifier: GPL-2.0-or-later
# lib: what the end-to-end tests share: one iusbd, one iusb-bmcsim with a few BMCs, one directory of images, no fixed
# ports, nothing left behind. Waits are for conditions; their limit only ends a test that has failed anyway.
bats_require_minimum_version 1.5.0

builddir=${builddir:-$PWD}
LIMIT=${IUSBD_TEST_LIMIT:-60} # seconds

setup() {
  dir=$(mktemp -d "${TMPDIR:-/tmp}/iusb.XXXXXX") # short: a socket's path has 107 characters
  socket=$dir/s
  images=$dir/images
  mkdir "$images" "$dir/state"
  pids=() iusbd_pid=
  echo 'targets = ( );' >"$dir/targets.conf"
  if declare -F local_setup >/dev/null; then local_setup; fi
}

teardown() {
  local pid
  for pid in $iusbd_pid "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null; done
  for pid in "${pids[@]}"; do
    for _ in $(seq 100); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
  done
  if [ -z "${BATS_TEST_COMPLETED:-}" ]; then
    for f in "$dir"/*.log; do
      [ -e "$f" ] && { echo "--- $f"; tail -n 60 "$f"; }
    done
  fi
  rm -rf "$dir"
  return 0
}

# wait_for COMMAND...: until it succeeds.
wait_for() {
  local end=$((SECONDS + LIMIT))
  until "$@" >/dev/null 2>&1; do
    if [ $SECONDS -ge $end ]; then
      echo "waited $LIMIT s in vain for: $*"
      return 1
    fi
    sleep 0.1
  done
}

# start_sim ARGUMENT...: simulated BMCs on ports that the kernel chooses; $dir/targets.conf describes them.
start_sim() {
  : >"$dir/sim.log" # an earlier simulator was ready, too
  "$builddir/iusb-bmcsim" --port-base 0 --name node1 --print-targets "$dir/targets.conf" "$@" \
    >"$dir/sim.log" 2>&1 3>&- &
  sim_pid=$!
  pids+=("$sim_pid")
  wait_for sim_is_ready
}

sim_is_ready() {
  grep -qx ready "$dir/sim.log"
}

# write_config [TEXT]: TEXT is added to it.
write_config() {
  cat >"$dir/iusbd.conf" <<EOF
image_dirs = [ "$images" ];
defaults = { dialect = "legacy"; backoff = { min = 0.1; max = 0.5; }; };
@include "targets*.conf"
${1:-}
EOF
}

# start_iusbd ARGUMENT...
start_iusbd() {
  [ -e "$dir/iusbd.conf" ] || write_config
  "$builddir/iusbd" -c "$dir/iusbd.conf" --socket "$socket" --state-dir "$dir/state" --foreground "$@" \
    >>"$dir/iusbd.log" 2>&1 3>&- &
  iusbd_pid=$!
  pids+=("$iusbd_pid")
  wait_for ctl version
}

stop_iusbd() { # stop_iusbd [SIGNAL]
  kill "-${1:-TERM}" "$iusbd_pid"
  wait "$iusbd_pid"
}

ctl() {
  "$builddir/iusbctl" --socket "$socket" "$@"
}

# field SLOT KEY: of iusbctl --json status, "" for null.
field() {
  ctl --json status "$1" | jq -r --arg key "$2" '.[0][$key] // ""'
}

field_is() { # field_is SLOT KEY VALUE
  [ "$(field "$1" "$2")" = "$3" ]
}

field_has() { # field_has SLOT KEY TEXT
  [[ $(field "$1" "$2") == *"$3"* ]]
}

sim_said() { # sim_said TEXT
  grep -qF -- "$1" "$dir/sim.log"
}

# make_image NAME BYTES: bytes that differ from sector to sector.
make_image() {
  head -c "$2" /dev/urandom >"$images/$1"
}

# make_floppy NAME: 1.44 MB; make_iso NAME [MIB]: 4 MiB with the ISO 9660 mark; make_disk NAME: 8 MiB with an MBR.
make_floppy() {
  make_image "$1" 1474560
}

make_iso() {
  make_image "$1" $((${2:-4} << 20))
  printf '\001CD001\001' | dd of="$images/$1" bs=1 seek=32768 conv=notrunc status=none
}

make_disk() {
  make_image "$1" $((8 * 1024 * 1024))
  printf '\125\252' | dd of="$images/$1" bs=1 seek=510 conv=notrunc status=none
}

# faulty KIND REASON: node1 misbehaves, good1 beside it is served all the while.
faulty() {
  make_floppy dos.img
  start_sim --name 'good1' --address 127.0.1.9
  mv "$dir/targets.conf" "$dir/targets-good.conf"
  mv "$dir/sim.log" "$dir/good.log"
  start_sim --fault "$1"
  start_iusbd
  ctl attach good1 dos.img
  ctl attach node1 dos.img --wait none
  wait_for field_has node1/fd reason "$2"
  field_is good1/fd state serving
  kill -0 "$iusbd_pid"
}
