# SPDX-License-Identifier: GPL-2.0-or-later
# judges: what independent judges find of our drives. A Linux guest behind simulated BMCs looks at them with its kernel
# and with the tools that know drives best, and sends the same commands to QEMU's own drives. It boots once, and leaves
# its findings in files; the tests here look at these. IUSBD_JUDGES_KEEP=DIR keeps a copy of them.
# shellcheck disable=SC2086 # names of drives are words
bats_require_minimum_version 1.5.0

load judges

# The drives: what is in them, blocks, block length, read-only (0, 1), product.
# All are asked directly, with no filter in between, but fcd, ffd and fhd are behind the filter of the asp firmware.
direct="cd fd hd dvd fdro hdro big"
drives="$direct fcd ffd fhd"
declare -gA blocks=([cd]=2048 [fd]=2880 [hd]=65536 [dvd]=2621440 [fdro]=2880 [hdro]=65536 [big]=6442450944
  [fcd]=2048 [ffd]=2880 [fhd]=65536)
declare -gA block_len=([cd]=2048 [fd]=512 [hd]=512 [dvd]=2048 [fdro]=512 [hdro]=512 [big]=512 [fcd]=2048 [ffd]=512 [fhd]=512)
declare -gA read_only=([cd]=1 [fd]=0 [hd]=0 [dvd]=1 [fdro]=1 [hdro]=1 [big]=0 [fcd]=1 [ffd]=0 [fhd]=0)
declare -gA product=([cd]="Virtual CDROM" [fd]="Virtual Floppy" [hd]="Virtual HDisk" [dvd]="Virtual CDROM"
  [fdro]="Virtual Floppy" [hdro]="Virtual HDisk" [big]="Virtual HDisk" [fcd]="Virtual CDROM0" [ffd]="Virtual Floppy"
  [fhd]="Virtual HDisk")

make_images() {
  judges_iso cd.iso IUSB_CD 4M &&
    judges_iso dvd.iso IUSB_DVD 5G &&
    echo "a floppy for the judges" >"$dir/text" &&
    media_floppy floppy.img "$dir/text" &&
    media_disk disk.img &&
    cp floppy.img floppy-ro.img &&
    cp disk.img disk-ro.img &&
    cp cd.iso cd-f.iso && cp floppy.img floppy-f.img && cp disk.img disk-f.img &&
    truncate -s 3T big.img &&
    printf 'the last block' | dd of=big.img bs=1 seek=$((3 * 1024 ** 4 - 512)) conv=notrunc status=none &&
    cp cd.iso "$dir/qemu.iso" &&
    cp disk.img "$dir/qemu.img"
}

# Everything that takes time. bats does not watch for failures in here: each step says itself that it is good.
look() {
  machine_bmc 'node[1-3]' %n-%d.sock --filter none &&
    machine_bmc node4 %n-%d.sock --filter on &&
    machine_iusbd &&
    (cd "$dir/images" && make_images) &&
    ctl attach node1 cd.iso &&
    ctl attach node1 floppy.img --mode rw &&
    ctl attach node1 disk.img --mode rw &&
    ctl attach node2 dvd.iso &&
    ctl attach node2 floppy-ro.img &&
    ctl attach node2 disk-ro.img &&
    ctl attach node3 big.img --mode rw &&
    ctl attach node4 cd-f.iso &&
    ctl attach node4 floppy-f.img --mode rw &&
    ctl attach node4 disk-f.img --mode rw &&
    judges_start guest-judges cd="$dir/node1-cd.sock" fd="$dir/node1-fd.sock" hd="$dir/node1-hd.sock" \
      dvd="$dir/node2-cd.sock" fdro="$dir/node2-fd.sock" hdro="$dir/node2-hd.sock" big="$dir/node3-hd.sock" \
      fcd="$dir/node4-cd.sock" ffd="$dir/node4-fd.sock" fhd="$dir/node4-hd.sock" \
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
  [[ $output == *"hd: WRITE SAME(16)"* ]]
}

@test "kernel: sizes, write protection and caches of all disks" {
  local drive name text
  for drive in fd hd fdro hdro big ffd fhd; do
    name=$(kernel_name $drive)
    grep -q "\[$name\] ${blocks[$drive]} 512-byte logical blocks" kernel
    grep -q "\[$name\] Attached SCSI removable disk" kernel
    case $drive in
    # Linux does not ask a floppy with this USB id for mode pages.
    fd* | ffd) grep -q "\[$name\] Assuming Write Enabled" kernel ;;
    *)
      text=off
      [ "${read_only[$drive]}" = 0 ] || text=on
      grep -q "\[$name\] Write Protect is $text" kernel
      grep -q "\[$name\] Write cache: disabled, read cache: enabled, doesn't support DPO or FUA" kernel
      ;;
    esac
  done
  for drive in hd fhd; do
    name=$(kernel_name $drive)
    grep -q " $name: ${name}1$" kernel
  done
}

@test "kernel: CD drives, and what they can do" {
  local drive
  for drive in cd dvd; do
    grep -q "\[$(kernel_name $drive)\] scsi3-mmc drive" kernel
  done
  grep -q "\[$(kernel_name fcd)\] scsi-1 drive" kernel # it has no mode pages
  grep -qE '^Can read multisession:' cdrom-info
  says cdrom-info 0
}

@test "kernel: no error, no reset, nothing that the test has not provoked" {
  local names
  names=$(for drive in $drives; do kernel_name $drive; done | paste -sd '|')
  judges_trouble <kernel | grep -E ": .*(($names)|usb|scsi)" >trouble || true
  grep -q "^fdro/write: .*Sense Key : Data Protect" trouble
  grep -q "^fdro/write: .*Add. Sense: Write protected" trouble
  # The medium of these goes, and the BMC takes the USB device away with it.
  grep -vE "^(fdro/write|cd/eject|hd/eject|fcd/eject): " trouble >unexpected || true
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

@test "sg_inq: vital product data, none behind the filter" {
  local drive page
  for drive in $direct; do
    says $drive/inq-00 0
    says $drive/inq-80 0 'Unit serial number: +$'
    says $drive/inq-83 0 'designator_type: T10 vendor identification,  code_set: ASCII' \
      'associated with the Addressed logical unit' 'vendor id: AMI +$' "vendor specific: ${product[$drive]} *$"
    if [ "${block_len[$drive]}" = 512 ]; then
      says $drive/inq-00 0 '0x0	' '0x80	' '0x83	' '0xb0	'
      says $drive/inq-b0 0 'Maximum transfer length: 256 blocks' 'Maximum write same length: 0xffff blocks' \
        'Unmap command not implemented' 'Maximum compare and write length: 0 blocks'
    else
      says $drive/inq-00 0 '^05 00 00 03 00 80 83$'
    fi
  done
  for drive in fcd ffd fhd; do
    for page in "$drive"/inq-*; do
      says $page 5 'page not supported'
    done
  done
}

@test "sg_turs, sg_requests, sg_luns: ready, no sense left, one LUN" {
  local drive
  for drive in $drives; do
    says $drive/turs 0
    says $drive/requests 0 'Sense key: No Sense'
    case $drive in
    f[cfh]d) says $drive/luns 9 'Invalid opcode' ;;
    *) says $drive/luns 0 'Lun list length = 8' ;;
    esac
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
  for drive in ffd fhd; do
    says $drive/readcap16 9 'Invalid opcode'
  done
}

@test "sg_modes: mode pages decode without a complaint" {
  local drive file page pages
  says fcd/modes 9 'Invalid opcode'
  says fcd/modes6 9 'Invalid opcode'
  for drive in $direct ffd fhd; do
    for file in $drive/modes $drive/modes6; do
      does_not_say $file 'mismatch|unexpected|bad|wrong|fail|truncat|illegal|invalid'
      pages="Read-Write error recovery|Caching"
      case $drive in
      cd | dvd) pages+="|Power condition|Timeout and protect|MM capabilities and mechanical status" ;;
      # Page 1C of a floppy is what UFI has there, which sg_modes does not know.
      fd* | ffd) pages+="|Flexible disk|Informational exceptions control" ;;
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
  for drive in $direct ffd fhd; do
    says $drive/verify 0
  done
  says fcd/verify 9 'Invalid opcode'
  says hd/verify-out 22 'LBA out of range'
  says hd/verify-other 14 'MISCOMPARE'
  says hd/verify-same 0
  says fhd/verify-same 0
}

@test "sg_sync: nothing is left to write, and behind the filter nobody can ask for it" {
  local drive
  for drive in fd hd big; do
    says $drive/sync 0
  done
  says fhd/sync 9 'Invalid opcode'
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
  for drive in fd hd fdro hdro big ffd fhd; do
    says $drive/format 0 "Number of logical blocks=${blocks[$drive]}$" 'Logical block size=512 bytes'
  done
  says hd/format-it 9 'Format unit command: Illegal request, Invalid opcode'
  says fd/format-it 5 'Format unit command: Illegal request$'
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
    fd* | ffd) says $drive/smartctl '[0-9]+' 'SMART Health Status: OK' ;;
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
  for drive in hd hdro fhd; do
    says $drive/fdisk 0 "^/drive/${drive}1 +2048 +65535 +63488 +31M +e W95 FAT16"
  done
}

@test "isoinfo: the volumes and their files" {
  local drive
  says dvd/isoinfo 0 '^Volume id: IUSB_DVD$' '^Logical block size is: 2048$'
  for drive in cd fcd; do
    says $drive/isoinfo 0 '^Volume id: IUSB_CD$' '^Logical block size is: 2048$' 'Joliet with UCS level 3 found'
    says $drive/names 0 '^/payload.bin$' '^/more.bin$'
    says $drive/mount 0
    says $drive/files 0 'payload.bin: OK'
  done
}

@test "hdparm: no ATA drive, read-only or not, re-reads partitions, measures" {
  local drive
  for drive in $drives; do
    says $drive/hdparm '[0-9]+' "readonly +=  $([ $drive = fdro ] && echo 0 || echo "${read_only[$drive]}")"
    does_not_say $drive/hdparm 'bad/missing sense|Serial Number'
  done
  for drive in hd fhd; do
    diff <(sed "s/qhd/$drive/" qhd/hdparm) $drive/hdparm
  done
  for drive in cd fcd; do
    diff <(sed "s/qcd/$drive/" qcd/hdparm) $drive/hdparm
  done
  for drive in fd hd fdro hdro big ffd fhd; do
    says $drive/hdparm-z 0 're-reading partition table'
  done
  says big/hdparm-t 0 'Timing buffered disk reads: .* MB/sec'
}

@test "the kernel reads what is in the images, and what it writes gets there" {
  local drive images=$BATS_FILE_TMPDIR/images image sum
  for drive in cd:cd.iso fd:floppy.img hd:disk.img fdro:floppy-ro.img hdro:disk-ro.img \
    fcd:cd-f.iso ffd:floppy-f.img fhd:disk-f.img; do
    image=${drive#*:} drive=${drive%:*}
    says $drive/sum 0
    sum=$(sha256sum <"$images/$image")
    grep -q "^${sum%% *} " $drive/sum
  done
  for drive in hd:disk.img fhd:disk-f.img ffd:floppy-f.img; do
    image=${drive#*:} drive=${drive%:*}
    says $drive/write 0
    judges_pattern | head -c 32768 |
      cmp - <(dd if="$images/$image" bs=512 skip="$([ $drive = ffd ] && echo 2000 || echo 64000)" count=64 status=none)
  done
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
  says hd/stop 0
  says hd/stopped 0
  for drive in cd hd fcd; do
    says $drive/eject 0
    [ "$(cat $drive/gone)" = gone ]
  done
}

@test "sessions: three ejected by the host, seven never disturbed, no rule of the protocol broken" {
  [ "$(jq -r '[.[] | select(.state == "ejected")] | length' status)" = 3 ]
  [ "$(jq -r '[.[] | select(.state == "serving")] | length' status)" = 7 ]
  run ! grep complaint: bmcsim.log
}
