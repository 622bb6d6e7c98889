# SPDX-License-Identifier: GPL-2.0-or-later
# attach and detach as a person does them: the line that is printed, the device that is chosen, the exit status.
load lib

local_setup() {
  make_floppy dos.img
  start_sim
  start_iusbd
}

@test "attach chooses the floppy for a small image, waits for the BMC and prints one line" {
  run -0 --separate-stderr ctl attach node1 dos.img
  [ "$output" = "node1/fd: dos.img attached (1.4 MiB, read-only), accepted by the BMC" ]
  [ -z "$stderr" ]
  field_is node1/fd state serving
  field_is node1/fd image dos.img
  field_is node1/fd mode ro
  field_is node1/fd reason ""
}

@test "an image of exactly 2.88 MB is a floppy, one byte more a disk, an ISO a CD" {
  make_image big.img $((2880 * 1024))
  make_image bigger.img $((2880 * 1024 + 512))
  make_iso cd.iso
  run -0 ctl attach node1 big.img
  [[ $output == node1/fd:* ]]
  run -0 ctl attach node1 bigger.img
  [[ $output == node1/hd:* ]]
  run -0 ctl attach node1 cd.iso
  [[ $output == node1/cd:* ]]
}

@test "a small ISO is a CD all the same" {
  make_image small.iso $((512 * 1024))
  printf '\001CD001\001' | dd of="$images/small.iso" bs=1 seek=32768 conv=notrunc status=none
  run -0 ctl attach node1 small.iso
  [[ $output == node1/cd:* ]]
}

@test "the device can be named, by option or by slot" {
  run -0 ctl attach node1 dos.img --device hd
  [[ $output == node1/hd:* ]]
  run -0 ctl attach node1/fd dos.img
  [[ $output == node1/fd:* ]]
}

@test "attaching the same again is no error, another image is" {
  make_floppy other.img
  ctl attach node1 dos.img
  run -0 ctl attach node1 dos.img
  run -1 --separate-stderr ctl attach node1 other.img
  [[ $stderr == *"node1/fd"*"dos.img"* ]]
  [ -z "$output" ]
  field_is node1/fd image dos.img
}

@test "detach ends the session and the slot goes" {
  ctl attach node1 dos.img
  run -0 ctl detach node1/fd
  [[ $output == node1/fd:* ]]
  [ "$(ctl --json status)" = "[]" ]
  wait_for sim_said "node1/fd: client gone"
}

@test "detach of what is not attached fails" {
  run -1 --separate-stderr ctl detach node1/fd
  [[ $stderr == *"node1/fd"* ]]
}

@test "an unknown target is exit status 4 and names the nearest" {
  run -4 --separate-stderr ctl attach noed1 dos.img
  [[ $stderr == *"noed1"*"node1"* ]]
  [ "$(wc -l <<<"$stderr")" = 1 ]
}

@test "an unknown device is exit status 4" {
  run -4 --separate-stderr ctl attach node1/usb dos.img
  [[ $stderr == *"usb"* ]]
}

@test "an unknown image is exit status 4" {
  run -4 --separate-stderr ctl attach node1 nothing.img
  [[ $stderr == *"nothing.img"* ]]
  [ "$(wc -l <<<"$stderr")" = 1 ]
}

@test "wait none returns at once" {
  run -0 ctl attach node1 dos.img --wait none
  wait_for field_is node1/fd state serving
}

@test "a mode of a later version is refused in words" {
  run -2 --separate-stderr ctl attach node1 dos.img --mode cow
  [[ $stderr == *"cow"*"ro|rw"* ]]
  [ "$(ctl --json status)" = "[]" ]
}

@test "json is an array of objects with numbers for bytes" {
  run -0 ctl --json attach node1 dos.img
  [ "$(jq -r 'type' <<<"$output")" = array ]
  [ "$(jq -r '.[0].slot, .[0].outcome, .[0].size' <<<"$output" | tr '\n' ' ')" = "node1/fd accepted 1474560 " ]
}

