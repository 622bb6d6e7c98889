# SPDX-License-Identifier: GPL-2.0-or-later
# What the host behind the BMC sees: it enumerates the drive, reads all of it, writes, ejects. The simulator's quirks are on.
load lib

host_is_done() {
  sim_said "node1/$1: host script done: good"
}

no_failure() {
  if grep -F FAIL "$dir/sim.log"; then return 1; fi
  if grep -iF complaint "$dir/sim.log" | grep -v ' 0 complaints'; then return 1; fi
}

@test "a floppy is enumerated and read without an error" {
  make_floppy dos.img
  start_sim --device fd --host "enumerate,compare=$images/dos.img"
  start_iusbd
  ctl attach node1 dos.img
  wait_for host_is_done fd
  no_failure
}

@test "a CD is enumerated and read without an error" {
  make_iso cd.iso
  start_sim --device cd --host "enumerate,compare=$images/cd.iso"
  start_iusbd
  ctl attach node1 cd.iso
  wait_for host_is_done cd
  no_failure
}

@test "a disk is enumerated and read without an error" {
  make_disk disk.img
  start_sim --device hd --host "enumerate,compare=$images/disk.img"
  start_iusbd
  ctl attach node1 disk.img
  wait_for host_is_done hd
  no_failure
}

@test "what the host writes to a rw floppy is in the image" {
  make_floppy dos.img
  head -c 70000 /dev/urandom >"$dir/data"
  start_sim --device fd --host "enumerate,write=$dir/data@100"
  start_iusbd
  run -0 ctl attach node1 dos.img --mode rw
  [[ $output == *"writable"* ]]
  wait_for host_is_done fd
  no_failure
  ctl detach node1
  cmp -n 70000 "$dir/data" <(tail -c +$((100 * 512 + 1)) "$images/dos.img")
  [ "$(stat -c %s "$images/dos.img")" = 1474560 ]
}

@test "what the host writes to a rw disk is in the image" {
  make_disk disk.img
  head -c 1000000 /dev/urandom >"$dir/data"
  start_sim --device hd --host "enumerate,write=$dir/data@5000"
  start_iusbd
  ctl attach node1 disk.img --mode rw
  wait_for host_is_done hd
  no_failure
  ctl detach node1
  cmp -n 1000000 "$dir/data" <(tail -c +$((5000 * 512 + 1)) "$images/disk.img")
  [ "$(stat -c %s "$images/disk.img")" = $((8 * 1024 * 1024)) ]
}

@test "a read-only medium says so and refuses writes with 07/27/00" {
  make_floppy dos.img
  cp "$images/dos.img" "$dir/before"
  start_sim --device fd --host enumerate,write-protected
  start_iusbd
  ctl attach node1 dos.img
  wait_for host_is_done fd
  no_failure
  cmp "$dir/before" "$images/dos.img"
  wait_for field_is node1/fd state serving
  run -0 ctl show node1/fd
  [[ $output == *"write protected"* ]]
}

@test "a host that ejects ends the session, the state says so" {
  make_floppy dos.img
  start_sim --device fd --host enumerate,eject
  start_iusbd
  ctl attach node1 dos.img
  wait_for field_is node1/fd state ejected
  run -0 ctl detach node1
  [ "$(ctl --json status)" = "[]" ]
}

@test "an idle session answers the BMC's pings and stays" {
  make_floppy dos.img
  start_sim --idle 0.2
  start_iusbd
  ctl attach node1 dos.img
  pings() { [ "$(ctl --json show node1/fd | jq '.[0].keep_alives')" -ge 5 ]; }
  wait_for pings
  field_is node1/fd state serving
  no_failure
}

@test "a session without any quirk works as well" {
  make_floppy dos.img
  start_sim --quirks none --device fd --host "enumerate,compare=$images/dos.img"
  start_iusbd
  ctl attach node1 dos.img
  wait_for host_is_done fd
  no_failure
}

# filtered DEVICE IMAGE: the host reads it through the filter of the asp firmware, which keeps most commands in the BMC.
filtered() {
  start_sim --filter on --device "$1" --host "enumerate,compare=$images/$2"
  start_iusbd
  ctl attach "node1/$1" "$2"
  wait_for host_is_done "$1"
  no_failure
}

@test "a CD behind the filter of the asp firmware" {
  make_iso cd.iso
  filtered cd cd.iso
}

@test "a floppy behind the filter of the asp firmware" {
  make_floppy dos.img
  filtered fd dos.img
}

@test "a disk behind the filter of the asp firmware" {
  make_disk disk.img
  filtered hd disk.img
}

# commands DEVICE: the SCSI commands that reached iusbd.
commands() { ctl --json show "node1/$1" | jq -r '.[0].by_command[].name'; }

@test "a BMC that forwards everything: the host sees what iusbd says its drives are" {
  make_iso cd.iso
  make_floppy dos.img
  make_disk disk.img
  start_sim --filter none --host enumerate,sense
  start_iusbd
  for image in cd.iso dos.img disk.img; do ctl attach node1 $image; done
  for device in cd fd hd; do
    wait_for host_is_done $device
    sim_said "node1/$device: sense: 00/00/00"
    commands $device | grep -qx INQUIRY
    commands $device | grep -qx 'REQUEST SENSE'
  done
  sim_said "node1/cd: enumerate: AMI Virtual CDROM 1.00, 2048 blocks of 2048 bytes, one data track"
  sim_said "node1/fd: enumerate: AMI Virtual Floppy 1.00, 2880 blocks of 512 bytes"
  sim_said "node1/hd: enumerate: AMI Virtual HDisk 1.00, 16384 blocks of 512 bytes"
  no_failure
}
