# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# judges: a Linux guest with the tools that look at drives most closely. It boots Debian's kernel with an initrd, runs a
# script, and leaves its results on a disk of its own, where they are fetched when it is down.

judges_dir=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=../boot/machine.bash
. "$judges_dir/../boot/machine.bash"
# shellcheck source=../boot/media.bash
. "$judges_dir/../boot/media.bash"
LIMIT=${IUSBD_BOOT_LIMIT:-600} # seconds; the guest has more to do than to boot

ask=${builddir:-$PWD}/tests/judges/ask
judges_tools="sg_inq sg_turs sg_readcap sg_modes sg_format sg_verify sg_start sg_raw sg_requests sg_luns sg_prevent sg_sync
  sg_get_config smartctl fdisk blockdev isoinfo hdparm"

# What is missing, as words; nothing if all is there.
judges_missing() {
  local tool
  media_missing
  for tool in $judges_tools "$ask" genisoimage ldd; do
    command -v "$tool" >/dev/null || echo -n "$tool "
  done
}

# judges_fill SCRIPT ROOT: the tools, all that they are linked with, and what the guest does, into the initrd.
judges_fill() {
  local script=$1 root=$2 tool library
  mkdir "$root/tools"
  for tool in $judges_tools "$ask"; do
    tool=$(command -v "$tool")
    cp -L "$tool" "$root/tools/"
    ldd "$tool" | grep -o '/[^ ]*' | while read -r library; do
      mkdir -p "$root/$(dirname "$library")"
      cp -Lu "$library" "$root/$library"
    done
  done
  cp "$script" "$root/script"
  cp "$judges_dir/cdbs" "$root/cdbs"
  judges_pattern >"$root/pattern"
}

# judges_iso IMAGE VOLUME SIZE: a CD or DVD of that size.
judges_iso() {
  local image=$1 volume=$2 size=$3 tree
  tree=$(mktemp -d "$image.XXXX")
  media_payload "$tree"
  head -c 3000000 /dev/urandom >"$tree/more.bin"
  genisoimage -quiet -r -J -V "$volume" -o "$image" "$tree" 2>/dev/null
  rm -r "$tree"
  truncate -s "$size" "$image"
}

# What the guest writes.
judges_pattern() {
  yes "iusbd and its judges" | head -c 65536
}

# judges_start SCRIPT DRIVE...: boots the guest with these drives, each NAME=WHAT. WHAT is the socket of a virtual drive,
# or "scsi-cd IMAGE" or "scsi-hd IMAGE" for one of QEMU's own.
judges_start() {
  local script=$1 kernel drives="" arguments=() drive name what port=0
  shift
  kernel=$("$judges_dir/../boot/fetch-kernel")
  for drive; do
    name=${drive%%=*} what=${drive#*=}
    port=$((port + 1))
    case $what in
    scsi-cd\ *)
      drives+=,$name:v$port
      arguments+=(-drive "if=none,id=$name,format=raw,readonly=on,file=${what#* }"
        -device "scsi-cd,drive=$name,bus=vs.0,scsi-id=$port") ;;
    scsi-hd\ *)
      drives+=,$name:v$port
      arguments+=(-drive "if=none,id=$name,format=raw,file=${what#* }"
        -device "scsi-hd,drive=$name,bus=vs.0,scsi-id=$port,removable=on") ;;
    *)
      drives+=,$name:$port
      arguments+=(-chardev "socket,id=$name,path=$what" -device "usb-redir,chardev=$name,bus=hc.0,port=$port") ;;
    esac
  done
  media_initrd "$dir/initrd" "$kernel" "$judges_dir/guest-init" judges_fill "$judges_dir/$script"
  truncate -s 32M "$dir/results.img"
  machine_qemu -vga none -kernel "$kernel/vmlinuz" -initrd "$dir/initrd" \
    -append "console=ttyS0,115200 quiet loglevel=3 panic=-1 printk.devkmsg=on log_buf_len=1M drives=${drives#,}" \
    -drive "if=virtio,format=raw,file=$dir/results.img" -device qemu-xhci,id=hc,p2=15,p3=1 -device virtio-scsi-pci,id=vs \
    "${arguments[@]}"
}

# The kernel's log's lines of trouble, each after the name of the step in which it came.
judges_trouble() {
  sed -n 's/^\[ *[0-9.]*\] //p' |
    awk '/^judge: / { step = substr($0, 8); next } { print step ": " $0 }' |
    grep -iE 'i/o error|critical|sense key|add\. sense|failed|reset |timing out|disconnect|rejecting|lost|invalid'
}

# Waits for the guest's end; its results are in $dir/out.
judges_fetch() {
  machine_says "GUEST is done"
  machine_wait machine_is_down
  mkdir "$dir/out"
  tar -C "$dir/out" -xf "$dir/results.img"
}
