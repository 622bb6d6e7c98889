# SPDX-License-Identifier: GPL-2.0-or-later
# The medium changes under a host that goes on: one unit attention, then the new medium, and the session is the same.
load lib

host_is_done() {
  sim_said "node1/$1: host script done: good"
}

no_failure() {
  if grep -F FAIL "$dir/sim.log"; then return 1; fi
  if grep -iF complaint "$dir/sim.log" | grep -v ' 0 complaints'; then return 1; fi
}

sessions() { ctl --json show "$1" | jq '.[0].sessions'; }

@test "a host with a CD reads disk 1, is told once, and reads disk 2" {
  make_iso disk1.iso 4
  make_iso disk2.iso 5
  start_sim --device cd --host "enumerate,compare=$images/disk1.iso,change=$images/disk2.iso"
  start_iusbd
  ctl attach node1 disk1.iso
  wait_for sim_said "node1/cd: compare disk1.iso: 4194304 bytes equal"
  since=$(field node1/cd since)
  run -0 --separate-stderr ctl swap node1/cd disk2.iso
  [ "$output" = "node1/cd: now disk2.iso (5.0 MiB, read-only)" ]
  [ -z "$stderr" ]
  wait_for host_is_done cd
  sim_said "node1/cd: change disk2.iso: told once with 06/28/00, 5242880 bytes equal"
  no_failure
  field_is node1/cd image disk2.iso
  field_is node1/cd state serving
  field_is node1/cd since "$since"
  [ "$(sessions node1/cd)" = 1 ]
}

@test "a disk changes as well, behind a BMC that filters" {
  make_disk disk1.img
  make_image disk2.img $((6 * 1024 * 1024))
  start_sim --filter on --device hd --host "enumerate,compare=$images/disk1.img,change=$images/disk2.img"
  start_iusbd
  ctl attach node1/hd disk1.img
  wait_for sim_said "node1/hd: compare disk1.img: 8388608 bytes equal"
  ctl swap node1/hd disk2.img
  wait_for host_is_done hd
  no_failure
}

@test "a floppy changes as well, for one of another format, without quirks" {
  make_floppy dos1.img
  make_image dos2.img $((720 * 1024))
  start_sim --quirks none --device fd --host "enumerate,compare=$images/dos1.img,change=$images/dos2.img"
  start_iusbd
  ctl attach node1/fd dos1.img
  wait_for sim_said "node1/fd: compare dos1.img: 1474560 bytes equal"
  ctl swap node1/fd dos2.img
  wait_for host_is_done fd
  no_failure
}

@test "what the host wrote is in the old image, and the new one is written from then on" {
  make_floppy one.img
  make_floppy two.img
  head -c 70144 /dev/urandom >"$dir/data"
  cp "$images"/*.img "$dir"
  dd if="$dir/data" of="$dir/one.img" bs=512 seek=100 conv=notrunc status=none
  start_sim --device fd --host "enumerate,write=$dir/data@100,change=$dir/two.img,write=$dir/data@7"
  start_iusbd
  ctl attach node1 one.img --mode rw
  wait_for sim_said "node1/fd: write data:"
  run -0 ctl swap node1/fd two.img
  [ "$output" = "node1/fd: now two.img (1.4 MiB, writable)" ]
  wait_for host_is_done fd
  no_failure
  ctl detach node1
  dd if="$dir/data" of="$dir/two.img" bs=512 seek=7 conv=notrunc status=none
  cmp "$dir/one.img" "$images/one.img"
  cmp "$dir/two.img" "$images/two.img"
}

@test "a disk that the host has written and not flushed: all is in the old image when swap returns, nothing in the new one" {
  make_disk one.img
  make_disk two.img
  head -c 3000320 /dev/urandom >"$dir/data"
  cp "$images"/*.img "$dir"
  dd if="$dir/data" of="$dir/one.img" bs=512 seek=1000 conv=notrunc status=none
  start_sim --filter none --device hd --host "enumerate,write=$dir/data@1000,change=$dir/two.img"
  start_iusbd
  ctl attach node1/hd one.img --mode rw
  wait_for sim_said "node1/hd: write data:"
  ctl swap node1/hd two.img
  cmp "$dir/one.img" "$images/one.img"
  wait_for host_is_done hd
  no_failure
  cmp "$dir/two.img" "$images/two.img"
  [ "$(ctl --json show node1/hd | jq '[.[0].by_command[] | select(.name | startswith("SYNCHRONIZE"))] | length')" = 0 ]
}

@test "the same image again is read anew, with the size that it has now" {
  make_floppy one.img
  start_sim
  start_iusbd
  for mode in ro rw; do
    truncate -s 1474560 "$images/one.img"
    ctl attach node1/fd one.img --mode $mode
    truncate -s 737280 "$images/one.img"
    run -0 ctl --json swap node1/fd one.img
    [ "$(jq -r '.[0] | "\(.slot) \(.outcome) \(.image) \(.mode) \(.size)"' <<<"$output")" = "node1/fd swapped one.img $mode 737280" ]
    [ "$(sessions node1/fd)" = 1 ]
    ctl detach node1/fd
  done
}

@test "a host that has ejected gets the new medium at once" {
  make_floppy one.img
  make_floppy two.img
  start_sim --device fd --host enumerate,eject
  start_iusbd
  ctl attach node1 one.img
  wait_for field_is node1/fd state ejected
  run -0 ctl swap node1/fd two.img
  [[ $output == "node1/fd: now two.img (1.4 MiB, read-only)"* ]]
  twice() { [ "$(grep -c 'node1/fd: host script done: good' "$dir/sim.log")" = 2 ]; }
  wait_for twice
  field_is node1/fd image two.img
}

@test "without a BMC the next session serves the new medium, and the line says that it is not served yet" {
  make_floppy one.img
  make_floppy two.img
  start_sim --device fd --host "enumerate,compare=$images/two.img"
  cp "$dir/targets.conf" "$dir/good"
  sed -i 's/fd *= *[0-9]*/fd = 1/' "$dir/targets.conf"
  start_iusbd
  ctl attach node1/fd one.img --wait none
  wait_for field_is node1/fd state backoff
  run -0 ctl swap node1/fd two.img
  [[ $output == "node1/fd: now two.img (1.4 MiB, read-only), not served yet: "* ]]
  cp "$dir/good" "$dir/targets.conf"
  ctl reload
  wait_for host_is_done fd
  no_failure
}

@test "a swap outlives a restart" {
  make_floppy one.img
  make_floppy two.img
  start_sim
  start_iusbd
  ctl attach node1 one.img
  ctl swap node1/fd two.img
  stop_iusbd KILL || true
  start_iusbd
  wait_for field_is node1/fd state serving
  field_is node1/fd image two.img
}

@test "what cannot be swapped is one line and the right exit status, and the old medium stays" {
  make_floppy one.img
  make_floppy two.img
  : >"$images/empty.img"
  start_sim
  start_iusbd
  run -1 --separate-stderr ctl swap node1/fd two.img
  [[ $stderr == *"nothing is attached to node1/fd"* ]]
  ctl attach node1 one.img
  run -4 --separate-stderr ctl swap node9/fd two.img
  [[ $stderr == *"node9"* ]]
  run -4 --separate-stderr ctl swap node1/fd none.img
  [[ $stderr == *"none.img"* ]]
  run -4 --separate-stderr ctl swap node1/fd empty.img
  [[ $stderr == *"empty.img: the file is empty"* ]]
  run -1 --separate-stderr ctl swap node1/fd one.img --mode rw
  [[ $stderr == *"one.img is ro in node1/fd now"* ]]
  run -2 --separate-stderr ctl swap node1/fd two.img --mode cow
  run -2 --separate-stderr ctl swap node1/fd
  [ "$(wc -l <<<"$stderr")" = 1 ]
  ctl attach node1/hd two.img --mode rw
  run -1 --separate-stderr ctl swap node1/fd two.img
  [[ $stderr == *"two.img is in use by node1/hd (rw)"* ]]
  field_is node1/fd image one.img
  field_is node1/fd state serving
  [ "$(sessions node1/fd)" = 1 ]
}
