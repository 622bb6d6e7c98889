# SPDX-License-Identifier: GPL-2.0-or-later
# boot: real guests boot through the simulated BMC from what iusbd serves. The evidence is what they say on their serial
# line, and what they wrote into the images.
bats_require_minimum_version 1.5.0

load machine
load media

setup_file() {
  local kernel
  missing=$(media_missing)
  export missing no_kernel=
  [ -z "$missing" ] || return 0
  # A word that only these media know.
  word=iusb-$RANDOM$RANDOM
  export word media=$BATS_FILE_TMPDIR
  echo "Hello from the floppy of $word" >"$media/text"
  media_floppy "$media/dos.img" "$media/text"
  media_disk "$media/disk.img"
  if kernel=$("$BATS_TEST_DIRNAME/fetch-kernel" 2>"$media/kernel.log"); then
    media_iso "$media/boot.iso" "$word" "$kernel"
  else
    no_kernel=$(tail -n 1 "$media/kernel.log")
    media_iso "$media/boot.iso" "$word"
  fi
}

setup() {
  machine_init
  [ -z "$missing" ] || skip "not installed: $missing"
  machine_bmc node1
  machine_iusbd
}

teardown() {
  [ -n "${BATS_TEST_COMPLETED:-}" ] || machine_report
  machine_end
}

# attach IMAGE DEVICE ARGUMENT...: the image, copied, is in that slot.
attach() {
  local image=$1 device=$2
  shift 2
  cp "$media/$image" "$dir/images/"
  run ctl attach node1 "$image" "$@"
  echo "$output"
  [ "$status" = 0 ]
  [[ $output == "node1/$device: $image attached"* ]]
}

# The BMC found nothing to complain of, and the session is what it was.
check_session() {
  local device
  for device; do
    [ "$(ctl --json status "node1/$device" | jq -r '.[0].state')" = serving ]
  done
  run ! grep complaint: "$dir/bmcsim.log"
}

# The file that the guest wrote to the image (an mtools name) is there, with the checksum that the guest has told.
check_written() {
  local device=$1 image=$2 told
  told=$(machine_text | sed -n "s/^GUEST $device wrote //p")
  [ ${#told} = 64 ]
  run -0 --separate-stderr mcopy -n -i "$image" ::written.bin "$dir/written.bin"
  echo "$told  $dir/written.bin" | sha256sum -c
}

@test "SeaBIOS boots syslinux from a 1.44 MB floppy" {
  attach dos.img fd
  machine_boot bios fd
  machine_says "SYSLINUX"
  machine_says "Hello from the floppy of $word"
  machine_says "boot:"
  check_session fd
}

@test "SeaBIOS boots GRUB from an ISO" {
  attach boot.iso cd
  machine_boot bios cd
  machine_says "GRUB of $word on i386-pc"
  machine_says "payload.bin: OK"
  check_session cd
}

@test "OVMF boots GRUB from the same ISO" {
  attach boot.iso cd
  machine_boot uefi cd
  machine_says "GRUB of $word on x86_64-efi"
  machine_says "payload.bin: OK"
  check_session cd
}

@test "Linux boots from the ISO, reads CD, floppy and disk, and writes to floppy and disk" {
  [ -z "$no_kernel" ] || skip "$no_kernel"
  attach boot.iso cd
  attach dos.img fd --mode rw
  attach disk.img hd --mode rw
  machine_boot bios cd fd hd
  machine_says "GUEST started, $word"
  machine_says "GUEST cd checked"
  machine_says "GUEST fd checked"
  machine_says "GUEST hd checked"
  machine_says "GUEST is done"
  machine_wait machine_is_down
  check_session cd fd hd
  check_written fd "$dir/images/dos.img"
  check_written hd "$dir/images/disk.img@@1M"
  cmp "$media/boot.iso" "$dir/images/boot.iso"
}
