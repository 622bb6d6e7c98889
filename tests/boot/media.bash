# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# media: makes what the guests boot from. Each function takes the file to make first. All of it is
# made as an ordinary user, with mtools, syslinux, GRUB and busybox.

media_dir=$(dirname "${BASH_SOURCE[0]}")
PATH=$PATH:/usr/sbin:/sbin
export MTOOLS_SKIP_CHECK=1

# What is missing to make media and run guests, as words; nothing if all is there.
media_missing() {
  local tool
  for tool in qemu-system-x86_64 mformat mcopy syslinux grub-mkrescue xorriso cpio busybox; do
    command -v "$tool" >/dev/null || echo -n "$tool "
  done
  [ -d /usr/lib/grub/i386-pc ] || echo -n "grub-pc-bin "
  [ -d /usr/lib/grub/x86_64-efi ] || echo -n "grub-efi-amd64-bin "
  [ -e /usr/share/OVMF/OVMF_CODE_4M.fd ] || echo -n "ovmf "
}

# media_payload DIR: a file of random bytes and the list of its checksum.
media_payload() {
  head -c 300000 /dev/urandom >"$1/payload.bin"
  (cd "$1" && sha256sum payload.bin >sums.txt)
}

# media_floppy IMAGE TEXT: a bootable 1.44 MB FAT floppy that shows the file TEXT, with a payload.
media_floppy() {
  local image=$1 text=$2 dir
  dir=$(mktemp -d "$image.XXXX")
  media_payload "$dir"
  sed 's/$/\r/' "$text" >"$dir/greeting.txt"
  # Syslinux waits at its prompt for ever; the text is on the screen by then.
  printf 'DISPLAY greeting.txt\r\nPROMPT 1\r\nTIMEOUT 0\r\n' >"$dir/syslinux.cfg"
  rm -f "$image"
  mformat -C -f 1440 -v IUSBD -i "$image" ::
  syslinux --install "$image"
  mcopy -i "$image" "$dir"/*.txt "$dir"/*.cfg "$dir"/*.bin ::
  rm -r "$dir"
}

# media_disk IMAGE: a disk of 32 MiB with one FAT partition at 1 MiB, with a payload.
media_disk() {
  local image=$1 dir
  dir=$(mktemp -d "$image.XXXX")
  media_payload "$dir"
  rm -f "$image"
  truncate -s 32M "$image"
  # The partition table: type 0E (FAT16, LBA), first sector 2048, 63488 sectors.
  printf '\x00\xfe\xff\xff\x0e\xfe\xff\xff\x00\x08\x00\x00\x00\xf8\x00\x00' |
    dd of="$image" bs=1 seek=446 conv=notrunc status=none
  printf '\x55\xaa' | dd of="$image" bs=1 seek=510 conv=notrunc status=none
  mformat -T 63488 -h 16 -s 63 -H 2048 -v IUSBDISK -i "$image@@1M" ::
  mcopy -i "$image@@1M" "$dir"/*.txt "$dir"/*.bin ::
  rm -r "$dir"
}

# media_initrd FILE KERNEL_DIR INIT [COMMAND...]: busybox, the modules of fetch-kernel, and INIT as the first program.
# COMMAND puts more into the directory that it gets as its last argument.
media_initrd() {
  local file=$1 kernel=$2 init=$3 root
  shift 3
  root=$(mktemp -d "$file.XXXX")
  mkdir "$root"/{bin,dev,proc,sys,modules,cd,fd,hd}
  cp "$(command -v busybox)" "$root/bin/busybox"
  cp "$kernel"/modules/*.ko "$root/modules/"
  install -m 755 "$init" "$root/init"
  if [ $# -gt 0 ]; then
    "$@" "$root"
  fi
  (cd "$root" && find . | cpio --quiet -o -H newc | gzip -1) >"$file"
  rm -r "$root"
}

# media_iso IMAGE WORD [KERNEL_DIR]: an ISO that boots on BIOS and UEFI. GRUB says WORD and checks
# the payload, then starts Linux, if a kernel is given.
media_iso() {
  local image=$1 word=$2 kernel=${3:-} dir
  dir=$(mktemp -d "$image.XXXX")
  mkdir -p "$dir/boot/grub"
  head -c 3000000 /dev/urandom >"$dir/payload.bin"
  (cd "$dir" && sha256sum payload.bin >sums.txt)
  echo "$word" >"$dir/word.txt"
  cat >"$dir/boot/grub/grub.cfg" <<EOF
serial --unit=0 --speed=115200
terminal_output serial
set timeout=0
menuentry "check the payload, then Linux" {
  echo "GRUB of $word on \$grub_cpu-\$grub_platform"
  hashsum --hash sha256 --check /sums.txt --prefix (\$root)
  if [ -f /vmlinuz ]; then
    linux /vmlinuz console=ttyS0,115200 quiet loglevel=4 panic=-1 word=$word
    initrd /initrd
  fi
}
EOF
  if [ -n "$kernel" ]; then
    cp "$kernel/vmlinuz" "$dir/vmlinuz"
    media_initrd "$dir/initrd" "$kernel" "$media_dir/guest-init"
  fi
  grub-mkrescue -o "$image" "$dir" -- -volid IUSBD >"$image.log" 2>&1 || {
    cat "$image.log" >&2
    return 1
  }
  rm -r "$dir" "$image.log"
}
