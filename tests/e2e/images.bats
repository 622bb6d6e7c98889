# SPDX-License-Identifier: GPL-2.0-or-later
# Images that cannot be served get one clear line on stderr and the right exit status.
load lib

local_setup() {
  start_sim
}

# refused STATUS TEXT ARGUMENT...: attach fails with one line that has TEXT, and nothing is attached.
refused() {
  local status_wanted=$1 text=$2
  shift 2
  run --separate-stderr ctl attach "$@"
  [ "$status" = "$status_wanted" ]
  [[ $stderr == *"$text"* ]]
  [ "$(wc -l <<<"$stderr")" = 1 ]
  [ -z "$output" ]
  [ "$(ctl --json status)" = "[]" ]
}

@test "missing, empty, a directory, a pipe" {
  : >"$images/empty.img"
  mkdir "$images/dir.img"
  mkfifo "$images/pipe.img"
  start_iusbd
  refused 4 "missing.img" node1 missing.img
  refused 4 "empty" node1 empty.img
  refused 4 "directory" node1 dir.img
  refused 4 "FIFO" node1 pipe.img
}

@test "outside of image_dirs, by path or by symbolic link" {
  make_floppy dos.img
  mv "$images/dos.img" "$dir/secret.img"
  ln -s "$dir/secret.img" "$images/link.img"
  start_iusbd
  refused 4 "image_dirs" node1 "$dir/secret.img"
  refused 4 "image_dirs" node1 link.img
  refused 4 "secret.img" node1 ../secret.img
}

@test "a file that iusbd may not read" {
  make_floppy dos.img
  chmod 000 "$images/dos.img"
  if [ "$(id -u)" = 0 ]; then
    # root reads everything: the daemon runs as nobody, root's tool may command it
    chmod 755 "$dir" "$images"
    chown -R 65534:65534 "$dir/state"
    write_config
    touch "$dir/iusbd.log"
    mkdir -m 755 "$dir/run"
    chown 65534 "$dir/run"
    socket=$dir/run/s
    setpriv --reuid 65534 --regid 65534 --clear-groups "$builddir/iusbd" -c "$dir/iusbd.conf" \
      --socket "$socket" --state-dir "$dir/state" --foreground >>"$dir/iusbd.log" 2>&1 3>&- &
    iusbd_pid=$!
    pids+=("$iusbd_pid")
    wait_for ctl version
  else
    start_iusbd
  fi
  refused 4 "ermission denied" node1 dos.img
}

@test "one image twice rw, rw and ro: the second is refused and names the first" {
  make_floppy dos.img
  start_iusbd
  ctl attach node1/fd dos.img --mode rw
  run -1 --separate-stderr ctl attach node1/hd dos.img --mode rw
  [[ $stderr == *"node1/fd"* ]]
  run -1 --separate-stderr ctl attach node1/hd dos.img
  [[ $stderr == *"node1/fd"* ]]
  ctl detach node1/fd
  run -0 ctl attach node1/hd dos.img --mode rw
}

@test "an image shared ro is not given away rw" {
  make_floppy dos.img
  start_iusbd
  ctl attach node1/fd dos.img
  run -0 ctl attach node1/hd dos.img
  run -1 --separate-stderr ctl attach node1/cd dos.img --mode rw
  [[ $stderr == *"in use"* || $stderr == *"CD"* ]]
}

@test "another process that holds the image is noticed" {
  make_floppy dos.img
  start_iusbd
  python3 - "$images/dos.img" "$dir/locked" >"$dir/lock.log" 2>&1 3>&- <<'EOF' &
import fcntl, struct, sys, time
f = open(sys.argv[1], "r+b")
F_OFD_SETLK = 37
fcntl.fcntl(f, F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
open(sys.argv[2], "w").close()
time.sleep(600)
EOF
  pids+=($!)
  wait_for test -e "$dir/locked"
  refused 1 "in use" node1 dos.img
}

@test "an image that shrinks under a reading host fails the reads and says so; the session stays" {
  make_disk disk.img
  kill "$sim_pid" # the one of the setup
  start_sim --device hd --host "enumerate,read,loop"
  start_iusbd
  ctl attach node1/hd disk.img
  wait_for sim_said "node1/hd: read"
  truncate -s 4096 "$images/disk.img"
  shrunk() { ctl show node1/hd | grep -q "shrunk to 4096 bytes"; }
  wait_for shrunk
  wait_for sim_said "FAIL"
  field_is node1/hd state serving
}

@test "images says what is there, how it boots and who uses it" {
  make_floppy dos.img
  make_iso cd.iso
  : >"$images/empty.img"
  start_iusbd
  ctl attach node1 dos.img
  run -0 ctl --json images
  [ "$(jq -r '.[] | select(.image == "dos.img") | "\(.size) \(.device) \(.users[0])"' <<<"$output")" = "1474560 fd node1/fd" ]
  [ "$(jq -r '.[] | select(.image == "cd.iso") | "\(.kind) \(.device) \(.users | length)"' <<<"$output")" = "ISO 9660 cd 0" ]
  [[ "$(jq -r '.[] | select(.image == "empty.img") | .error' <<<"$output")" == *empty* ]]
}
