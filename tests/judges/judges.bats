# SPDX-License-Identifier: GPL-2.0-or-later
# judges: what independent judges find of our drives. A Linux guest behind simulated BMCs looks at them with its kernel
# and with the tools that know drives best, and sends the same commands to QEMU's own drives. It boots once, and leaves
# its findings in files; the tests here look at these. IUSBD_JUDGES_KEEP=DIR keeps a copy of them.
# shellcheck disable=SC2086 # names of drives are words
bats_require_minimum_version 1.5.0

load judges

# The drives: what is in them, blocks, block length, read-only (0, 1), product.
drives="cd fd hd dvd fdro hdro big"
declare -gA blocks=([cd]=2048 [fd]=2880 [hd]=65536 [dvd]=2621440 [fdro]=2880 [hdro]=65536 [big]=6442450944)
declare -gA block_len=([cd]=2048 [fd]=512 [hd]=512 [dvd]=2048 [fdro]=512 [hdro]=512 [big]=512)
declare -gA read_only=([cd]=1 [fd]=0 [hd]=0 [dvd]=1 [fdro]=1 [hdro]=1 [big]=0)
declare -gA product=([cd]="Virtual CDROM0" [fd]="Virtual Floppy" [hd]="Virtual HDisk" [dvd]="Virtual CDROM0"
  [fdro]="Virtual Floppy" [hdro]="Virtual HDisk" [big]="Virtual HDisk")

make_images() {
  judges_iso cd.iso IUSB_CD 4M &&
    judges_iso dvd.iso IUSB_DVD 5G &&
    echo "a floppy for the judges" >"$dir/text" &&
    media_floppy floppy.img "$dir/text" &&
    media_disk disk.img &&
    cp floppy.img floppy-ro.img &&
    cp disk.img disk-ro.img &&
    truncate -s 3T big.img &&
    printf 'the last block' | dd of=big.img bs=1 seek=$((3 * 1024 ** 4 - 512)) conv=notrunc status=none &&
    cp cd.iso "$dir/qemu.iso" &&
    cp disk.img "$dir/qemu.img"
}

# Everything that takes time. bats does not watch for failures in here: each step says itself that it is good.
look() {
  machine_bmc 'node[1-3]' %n-%d.sock &&
    machine_iusbd &&
    (cd "$dir/images" && make_images) &&
    ctl attach node1 cd.iso &&
    ctl attach node1 floppy.img --mode rw &&
    ctl attach node1 disk.img --mode rw &&
    ctl attach node2 dvd.iso &&
    ctl attach node2 floppy-ro.img &&
    ctl attach node2 disk-ro.img &&
    ctl attach node3 big.img --mode rw &&
    judges_start guest-judges cd="$dir/node1-cd.sock" fd="$dir/node1-fd.sock" hd="$dir/node1-hd.sock" \
      dvd="$dir/node2-cd.sock" fdro="$dir/node2-fd.sock" hdro="$dir/node2-hd.sock" big="$dir/node3-hd.sock" \
      qcd="scsi-cd $dir/qemu.iso" qhd="scsi-hd $dir/qemu.img" &&
    judges_fetch &&
    ctl --json status >"$dir/out/status" &&
    cp "$dir"/*.log "$dir/out/"
}

setup_file() {
  missing=$(judges_missing)
  no_kernel=
  export missing no_kernel
  [ -z "$missing" ] || return 0
  if ! "$BATS_TEST_DIRNAME/../boot/fetch-kernel" >/dev/null 2>"$BATS_FILE_TMPDIR/kernel.log"; then
    no_kernel=$(tail -n 1 "$BATS_FILE_TMPDIR/kernel.log")
    return 0
  fi
  machine_init
  export dir
  if ! look; then
    machine_report
    machine_end
    return 1
  fi
  # What the tests look at; what they do not need any more ends here.
  mv "$dir/out" "$dir/images" "$BATS_FILE_TMPDIR/"
  machine_end
  if [ -n "${IUSBD_JUDGES_KEEP:-}" ]; then cp -r "$BATS_FILE_TMPDIR/out" "$IUSBD_JUDGES_KEEP"; fi
}

setup() {
  [ -z "$missing" ] || skip "not installed: $missing"
  [ -z "$no_kernel" ] || skip "$no_kernel"
  cd "$BATS_FILE_TMPDIR/out" || return
}

# says FILE EXIT PATTERN...: a command ended so, and has said all of that (each a regular expression for a line).
says() {
  local file=$1 end=$2 pattern
  shift 2
  for pattern in "^exit $end\$" "$@"; do
    if ! grep -qE -- "$pattern" "$file"; then
      echo "$file does not say: $pattern"
      cat "$file"
      return 1
    fi
  done
}

# does_not_say FILE PATTERN
does_not_say() {
  if grep -iE -- "$2" "$1"; then
    echo "is said by $1"
    return 1
  fi
}

# The name that the guest's kernel has for a drive.
kernel_name() {
  sed -n "s,^$1 /dev/,,p" drives
}

@test "CDBs: the CD answers as QEMU's does, or it is explained why not" {
  "$BATS_TEST_DIRNAME/compare" . cd qcd
}

@test "CDBs: the disk answers as QEMU's does, or it is explained why not" {
  "$BATS_TEST_DIRNAME/compare" . hd qhd
}

@test "CDBs: a difference that is not explained fails, and so does an explanation of none" {
  mkdir "$BATS_TEST_TMPDIR/judges"
  cp "$BATS_TEST_DIRNAME/compare" "$BATS_TEST_TMPDIR/judges/"
  sed 's/^cd: INQUIRY$/cd: TEST UNIT READY/' "$BATS_TEST_DIRNAME/differences" >"$BATS_TEST_TMPDIR/judges/differences"
  run -1 "$BATS_TEST_TMPDIR/judges/compare" . cd qcd
  [[ $output == *"cd: INQUIRY"*"no difference (any more): cd: TEST UNIT READY"*"2 to look at" ]]
  sed 's/^\(  ours  \)05.24.00$/\105\/20\/00/' "$BATS_TEST_DIRNAME/differences" >"$BATS_TEST_TMPDIR/judges/differences"
  run -1 "$BATS_TEST_TMPDIR/judges/compare" . hd qhd
  [[ $output == *"hd: INQUIRY, VPD 00"* ]]
}

@test "kernel: sizes, write protection and caches of all disks" {
  local drive name text
  for drive in fd hd fdro hdro big; do
    name=$(kernel_name $drive)
    grep -q "\[$name\] ${blocks[$drive]} 512-byte logical blocks" kernel
    grep -q "\[$name\] Attached SCSI removable disk" kernel
    case $drive in
    # Linux does not ask a floppy with this USB id for mode pages.
    fd*) grep -q "\[$name\] Assuming Write Enabled" kernel ;;
    *)
      text=off
      [ "${read_only[$drive]}" = 0 ] || text=on
      grep -q "\[$name\] Write Protect is $text" kernel
      grep -q "\[$name\] Write cache: disabled, read cache: enabled, doesn't support DPO or FUA" kernel
      ;;
    esac
  done
  name=$(kernel_name hd)
  grep -q " $name: ${name}1$" kernel
}

@test "kernel: CD drives, and what they can do" {
  local drive
  for drive in cd dvd; do
    grep -q "\[$(kernel_name $drive)\] scsi3-mmc drive" kernel
  done
  grep -qE '^Can read multisession:' cdrom-info
  says cdrom-info 0
}

@test "kernel: no error, no reset, nothing that the test has not provoked" {
  local names
  names=$(for drive in $drives; do kernel_name $drive; done | paste -sd '|')
  # Lines of trouble with our drives, each after the name of the step in which it came.
  sed -n 's/^\[ *[0-9.]*\] //p' kernel |
    awk '/^judge: / { step = $2; next } { print step ": " $0 }' |
    grep -iE 'i/o error|critical|sense key|add\. sense|failed|reset |timing out|disconnect|rejecting|lost|invalid' |
    grep -E "($names)|usb|scsi" >trouble || true
  grep -q "^fdro/write: .*Sense Key : Data Protect" trouble
  grep -q "^fdro/write: .*Add. Sense: Write protected" trouble
  # The medium of these two goes, and the BMC takes the USB device away with it.
  grep -vE "^(fdro/write|cd/eject|hd/eject): " trouble >unexpected || true
  cat unexpected
  [ ! -s unexpected ]
}

@test "sg_inq: who the drives are" {
  local drive type
  for drive in $drives; do
    type=disk
    [ "${block_len[$drive]}" = 512 ] || type=cd/dvd
    says $drive/inq 0 'RMB=1' "Peripheral device type: $type" 'Vendor identification: AMI' \
      "Product identification: ${product[$drive]} *$" 'Product revision level: 1.00'
  done
}

@test "sg_turs, sg_requests, sg_luns: ready, no sense left, one LUN" {
  local drive
  for drive in $drives; do
    says $drive/turs 0
    says $drive/requests 0 'Sense key: No Sense'
    says $drive/luns 0 'Lun list length = 8'
  done
}

@test "sg_readcap: sizes" {
  local drive
  for drive in $drives; do
    says $drive/readcap 0 "Number of logical blocks=${blocks[$drive]}$" "Logical block length=${block_len[$drive]} bytes"
  done
  for drive in fd hd fdro hdro big; do
    says $drive/readcap16 0 "Number of logical blocks=${blocks[$drive]}$" 'prot_en=0' 'lbpme=0'
  done
}

@test "sg_modes: mode pages decode without a complaint" {
  local drive file page pages
  for drive in $drives; do
    for file in $drive/modes $drive/modes6; do
      does_not_say $file 'mismatch|unexpected|bad|wrong|fail|truncat|illegal|invalid'
      pages="Read-Write error recovery|Caching"
      case $drive in
      cd | dvd) pages+="|Power condition|Timeout and protect|MM capabilities and mechanical status" ;;
      # Page 1C of a floppy is what UFI has there, which sg_modes does not know.
      fd*) pages+="|Flexible disk|Informational exceptions control" ;;
      *) pages+="|Flexible disk|Control|Power condition" ;;
      esac
      case $drive in
      cd | dvd) ;;
      *) says $file 0 "WP=${read_only[$drive]}" ;;
      esac
      while read -r page; do
        says $file 0 "^>> $page"
      done < <(tr '|' '\n' <<<"$pages")
      [ "$(grep -c '^>> ' $file)" = "$(tr '|' '\n' <<<"$pages" | wc -l)" ]
    done
  done
}

@test "sg_verify: what is there verifies, what is not does not" {
  local drive
  for drive in $drives; do
    says $drive/verify 0
  done
  says hd/verify-out 22 'LBA out of range'
  says hd/verify-other 14 'MISCOMPARE'
  says hd/verify-same 0
}

@test "sg_raw: an INQUIRY by hand" {
  local drive
  for drive in $drives; do
    says $drive/raw 0 'SCSI Status: Good' 'Received 36 bytes of data' '41 4d 49 20 20 20 20 20'
  done
}

@test "sg_get_config: a CD is a CD-ROM, a DVD a DVD-ROM" {
  says cd/config 0 'Current profile: CD-ROM'
  says dvd/config 0 'Current profile: DVD-ROM'
  does_not_say cd/config 'DVD-ROM , currentP=1'
}

@test "sg_format: tells the size; a hard disk and its way of formatting are refused; a floppy formats a track" {
  local drive zeros
  for drive in fd hd fdro hdro big; do
    says $drive/format 0 "Number of logical blocks=${blocks[$drive]}$" 'Logical block size=512 bytes'
  done
  does_not_say hd/format-it '^exit 0$'
  says hd/format-it '[0-9]+' '[Ii]llegal request|Invalid opcode|not supported'
  does_not_say fd/format-it '^exit 0$'
  says fd/format-track 0 'SCSI Status: Good'
  # Track 55, second side, is block 1998 and 17 more; from block 2000 on the guest had written.
  zeros=$(dd if="$BATS_FILE_TMPDIR/images/floppy.img" bs=512 skip=1998 count=18 status=none | tr -d '\0' | wc -c)
  [ "$zeros" = 0 ]
  judges_pattern | tail -c +$((16 * 512 + 1)) | head -c $((48 * 512)) |
    cmp - <(dd if="$BATS_FILE_TMPDIR/images/floppy.img" bs=512 skip=2016 count=48 status=none)
}

@test "smartctl: says of our drives what it says of a drive without SMART" {
  local drive other
  for drive in $drives; do
    says $drive/smartctl '[0-9]+' '^Vendor: +AMI$' "^Product: +${product[$drive]}$" \
      "^Logical block size: +${block_len[$drive]} bytes$"
    sed -n '/^User Capacity/s/,//gp' $drive/smartctl | grep " $((blocks[$drive] * block_len[$drive])) bytes"
    other=qhd
    [ "${block_len[$drive]}" = 512 ] || other=qcd
    case $drive in
    # smartctl takes UFI's page 1C, Timer and Protect, for SMART.
    fd*) says $drive/smartctl '[0-9]+' 'SMART Health Status: OK' ;;
    *)
      says $drive/smartctl '[0-9]+' 'SMART support is: +Unavailable'
      diff <(sed '1,/START OF READ SMART/d' $other/smartctl) <(sed '1,/START OF READ SMART/d' $drive/smartctl)
      ;;
    esac
  done
}

@test "fdisk and blockdev: sizes, partitions and write protection" {
  local drive bytes is_ro
  for drive in $drives; do
    bytes=$((blocks[$drive] * block_len[$drive]))
    is_ro=${read_only[$drive]}
    [ $drive != fdro ] || is_ro=0 # Linux does not ask it
    [ "$(cat $drive/blockdev)" = "$bytes
${block_len[$drive]}
$is_ro
exit 0" ]
    if [ "${block_len[$drive]}" = 512 ]; then
      says $drive/fdisk 0 "^Disk /drive/$drive: .*, $bytes bytes, ${blocks[$drive]} sectors$" \
        "^Disk model: ${product[$drive]} *$"
    fi
  done
  for drive in hd hdro; do
    says $drive/fdisk 0 "^/drive/${drive}1 +2048 +65535 +63488 +31M +e W95 FAT16"
  done
}

@test "isoinfo: the volumes and their files" {
  says cd/isoinfo 0 '^Volume id: IUSB_CD$' '^Logical block size is: 2048$' 'Joliet with UCS level 3 found'
  says dvd/isoinfo 0 '^Volume id: IUSB_DVD$' '^Logical block size is: 2048$'
  says cd/names 0 '^/payload.bin$' '^/more.bin$'
  says cd/mount 0
  says cd/files 0 'payload.bin: OK'
}

@test "hdparm: no ATA drive, read-only or not, re-reads partitions, measures" {
  local drive
  for drive in $drives; do
    says $drive/hdparm '[0-9]+' "readonly +=  $([ $drive = fdro ] && echo 0 || echo "${read_only[$drive]}")"
    does_not_say $drive/hdparm 'bad/missing sense|Serial Number'
  done
  diff <(sed 's/qhd/hd/' qhd/hdparm) hd/hdparm
  diff <(sed 's/qcd/cd/' qcd/hdparm) cd/hdparm
  for drive in fd hd fdro hdro big; do
    says $drive/hdparm-z 0 're-reading partition table'
  done
  says big/hdparm-t 0 'Timing buffered disk reads: .* MB/sec'
}

@test "the kernel reads what is in the images, and what it writes gets there" {
  local drive images=$BATS_FILE_TMPDIR/images image sum
  for drive in cd:cd.iso fd:floppy.img hd:disk.img fdro:floppy-ro.img hdro:disk-ro.img; do
    image=${drive#*:} drive=${drive%:*}
    says $drive/sum 0
    sum=$(sha256sum <"$images/$image")
    grep -q "^${sum%% *} " $drive/sum
  done
  says hd/write 0
  judges_pattern | head -c 32768 | cmp - <(dd if="$images/disk.img" bs=512 skip=64000 count=64 status=none)
}

@test "write protection: refused by the floppy drive itself, not even tried at the disk" {
  does_not_say fdro/write '^exit 0$'
  says fdro/write 1 'Input/output error'
  says hdro/write 1 'Read-only file system'
}

@test "beyond 2 TiB: read and written where READ(10) does not reach" {
  says big/read 0 'the last block'
  says big/write 0
  judges_pattern | head -c 4096 | cmp - <(dd if="$BATS_FILE_TMPDIR/images/big.img" bs=512 skip=6442450900 count=8 status=none)
}

@test "sg_start, sg_prevent: start, load and stop do no harm; an eject is refused, then done" {
  local drive
  for drive in $drives; do
    says $drive/start 0
    says $drive/load 0
  done
  says cd/stop 0
  says cd/stopped 0
  says cd/prevent 0
  says cd/prevented 5 'Illegal request'
  says cd/allow 0
  [ "$(cat cd/gone)" = gone ]
  [ "$(cat hd/gone)" = gone ]
}

@test "sessions: two ejected by the host, five never disturbed, no rule of the protocol broken" {
  [ "$(jq -r '[.[] | select(.state == "ejected")] | length' status)" = 2 ]
  [ "$(jq -r '[.[] | select(.state == "serving")] | length' status)" = 5 ]
  run ! grep complaint: bmcsim.log
}
