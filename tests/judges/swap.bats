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

# pattern_at IMAGE CHUNK: what the image is to be after the guest has written.
pattern_at() {
  judges_pattern | dd of="$dir/wanted/$1" bs=65536 seek="$2" iflag=fullblock conv=notrunc status=none
}

# The commands that the drive has had so far, each between blanks.
commands() {
  ctl --json show "node1/$1" | jq -r '" " + (.[0].by_command | map(.name) | join(" , ")) + " "'
}

@test "a running Linux sees new media, what it wrote stays in the old ones, and there is one unit attention each time" {
  local image
  machine_bmc node1
  machine_iusbd
  mkdir "$dir/wanted"
  judges_iso "$dir/images/one.iso" IUSB_ONE 4M
  judges_iso "$dir/images/two.iso" IUSB_TWO 5M
  judges_iso "$dir/images/three.iso" IUSB_THREE 6M
  judges_iso "$dir/images/four.iso" IUSB_FOUR 4M
  media_disk "$dir/images/one.img"
  head -c 9M /dev/urandom >"$dir/images/two.img"
  head -c 7M /dev/urandom >"$dir/images/three.img"
  head -c 1440K /dev/urandom >"$dir/images/one.flp"
  head -c 720K /dev/urandom >"$dir/images/two.flp"
  head -c 1440K /dev/urandom >"$dir/images/three.flp"
  cp "$dir/images"/*.img "$dir/images"/*.flp "$dir/wanted/"
  ctl attach node1 one.iso
  ctl attach node1/hd one.img --mode rw
  ctl attach node1/fd one.flp --mode rw
  judges_start guest-swap cd="$dir/cd.sock" hd="$dir/hd.sock" fd="$dir/fd.sock"

  guest_sees cd one.iso
  ctl swap node1/cd two.iso
  guest_sees cd two.iso
  guest_sees hd one.img
  ctl swap node1/hd two.img
  guest_sees hd two.img
  guest_sees fd one.flp
  ctl swap node1/fd two.flp
  guest_sees fd two.flp

  # Written, and no flush sent: the old medium has it, the new one not a byte of it.
  machine_says "GUEST has written"
  ctl swap node1/fd three.flp
  guest_sees fd three.flp
  pattern_at two.flp 5
  pattern_at two.img 3
  for image in one.flp two.flp three.flp one.img two.img; do
    cmp "$dir/wanted/$image" "$dir/images/$image"
  done
  [[ $(commands fd) == *" WRITE(10) "* ]]
  [[ $(commands fd)$(commands hd) != *SYNCHRONIZE* ]]

  # Not yet written: that is lost, and the host is told, but it is not in the new medium.
  machine_says "GUEST holds back"
  ctl swap node1/hd three.img
  ctl swap node1/cd three.iso
  guest_sees hd three.img
  machine_says "GUEST counts"
  ctl swap node1/cd four.iso
  judges_fetch
  guest_sees cd four.iso
  pattern_at three.img 30
  for image in two.img three.img; do
    cmp "$dir/wanted/$image" "$dir/images/$image"
  done

  # Not ready never, changed once, ready ever after.
  cat "$dir/out/told"
  [ "$(grep -c 'Unit attention' "$dir/out/told")" = 1 ]
  [ "$(tail -n 5 "$dir/out/told")" = "$(printf 'ready\n%.0s' 1 2 3 4 5)" ]
  judges_trouble <"$dir/out/kernel" | grep -E 's[dr][a-z0-9]|usb|scsi' >"$dir/trouble"
  cat "$dir/trouble"
  grep -q '^written too late: .*Sense Key : Unit Attention' "$dir/trouble"
  run ! grep -v '^written too late: ' "$dir/trouble"
  run ! grep complaint: "$dir/bmcsim.log"
  for image in cd hd fd; do
    [ "$(ctl --json show node1/$image | jq '.[0].sessions')" = 1 ]
  done
}
