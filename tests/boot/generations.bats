# SPDX-License-Identifier: GPL-2.0-or-later
# generations: guests boot through BMCs of newer firmware: a web login, then TLS or WebSocket; and through a BMC that
# reboots meanwhile.
bats_require_minimum_version 1.5.0

load machine
load media

setup_file() {
  missing=$(media_missing)
  export missing
  [ -z "$missing" ] || return 0
  word=iusb-$RANDOM$RANDOM
  export word media=$BATS_FILE_TMPDIR
  media_iso "$media/boot.iso" "$word"
}

setup() {
  machine_init
  [ -z "$missing" ] || skip "not installed: $missing"
}

teardown() {
  [ -n "${BATS_TEST_COMPLETED:-}" ] || machine_report
  machine_end
}

# attach_to ARGUMENT...: a BMC that is simulated so has the ISO in its CD drive.
attach_to() {
  machine_bmc node1 %d.sock --control "$dir/control" "$@"
  machine_iusbd
  cp "$media/boot.iso" "$dir/images/"
  run ctl attach node1/cd boot.iso
  echo "$output"
  [ "$status" = 0 ]
}

# shows MEMBER VALUE: what iusbctl show says of the slot.
shows() {
  [ "$(ctl --json show node1/cd | jq -r ".[0].$1")" = "$2" ]
}

boots() {
  machine_boot "$1" cd
  machine_says "GRUB of $word"
  machine_says "payload.bin: OK"
  shows slot.state serving
  run ! grep complaint: "$dir/bmcsim.log"
}

@test "SeaBIOS boots GRUB from an ISO over TLS" {
  attach_to --dialect asp --media-tls on
  shows dialect asp
  shows transport direct
  [[ $(ctl --json show node1/cd | jq -r '.[0].tls') == TLSv1.* ]]
  boots bios
}

@test "OVMF boots GRUB from an ISO over WebSocket" {
  attach_to --dialect rest --single-port on
  shows dialect rest
  shows transport websocket
  boots uefi
}

# As with hardware, the machine's own boot is lost with the BMC; iusbd is back by itself when the machine is switched on
# again.
@test "a BMC that reboots in the middle of a boot: with a new login the next one succeeds" {
  attach_to --dialect rest --reboot-time 0.5
  machine_boot bios cd
  machine_wait has_read
  [ "$(socat - "UNIX-CONNECT:$dir/control" <<<"reboot node1")" != "" ]
  machine_wait shows sessions 2
  machine_wait shows slot.state serving
  kill "$qemu_pid"
  machine_wait machine_is_down
  boots bios
}

has_read() {
  [ "$(ctl --json status node1/cd | jq '.[0].read')" -gt 100000 ]
}
