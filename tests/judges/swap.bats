# SPDX-License-Identifier: GPL-2.0-or-later
# swap: a Linux guest that runs sees another medium in its CD and disk drives, while USB and the session stay as they are.
bats_require_minimum_version 1.5.0

load judges

setup() {
  local missing
  machine_init
  missing=$(judges_missing)
  [ -z "$missing" ] || skip "not installed: $missing"
  "$BATS_TEST_DIRNAME/../boot/fetch-kernel" >/dev/null 2>"$dir/kernel.log" || skip "$(tail -n 1 "$dir/kernel.log")"
}

teardown() {
  [ -n "${BATS_TEST_COMPLETED:-}" ] || machine_report
  machine_end
}

# The guest has seen the image in that drive: its size and its bytes.
guest_sees() {
  local sum
  sum=$(sha256sum <"$dir/images/$2")
  machine_says "GUEST $1 $(stat -c %s "$dir/images/$2") ${sum%% *}"
}

@test "a running Linux sees a new CD and a new disk, and one unit attention each time" {
  machine_bmc node1
  machine_iusbd
  judges_iso "$dir/images/one.iso" IUSB_ONE 4M
  judges_iso "$dir/images/two.iso" IUSB_TWO 5M
  judges_iso "$dir/images/three.iso" IUSB_THREE 6M
  media_disk "$dir/images/one.img"
  head -c 9M /dev/urandom >"$dir/images/two.img"
  ctl attach node1 one.iso
  ctl attach node1 one.img
  judges_start guest-swap cd="$dir/cd.sock" hd="$dir/hd.sock"

  guest_sees cd one.iso
  ctl swap node1/cd two.iso
  guest_sees cd two.iso
  guest_sees hd one.img
  ctl swap node1/hd two.img
  guest_sees hd two.img
  machine_says "GUEST counts"
  ctl swap node1/cd three.iso
  judges_fetch
  guest_sees cd three.iso

  # Not ready never, changed once, ready ever after.
  cat "$dir/out/told"
  [ "$(grep -c 'Unit attention' "$dir/out/told")" = 1 ]
  [ "$(tail -n 5 "$dir/out/told")" = "$(printf 'ready\n%.0s' 1 2 3 4 5)" ]
  run ! grep -iE 'disconnect|I/O error|sense key|reset ' "$dir/out/kernel"
  run ! grep complaint: "$dir/bmcsim.log"
  [ "$(ctl --json show node1/cd | jq '.[0].sessions')" = 1 ]
  [ "$(ctl --json show node1/hd | jq '.[0].sessions')" = 1 ]
}
