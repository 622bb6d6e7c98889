# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# machine: simulated BMCs, the iusbd that serves them, and the QEMU guest behind them. For boot.bats, demo and the judges.
#
# machine_init makes $dir, machine_end ends all that was started and removes it. Nothing waits for a time to pass, only
# for a condition; the limit ends what has failed anyway.

LIMIT=${IUSBD_BOOT_LIMIT:-240} # seconds
# Where the programs are; a build directory by default.
iusbd=${builddir:-$PWD}/iusbd
iusbctl=${builddir:-$PWD}/iusbctl
bmcsim=${builddir:-$PWD}/iusb-bmcsim
ovmf_code=/usr/share/OVMF/OVMF_CODE_4M.fd
ovmf_vars=/usr/share/OVMF/OVMF_VARS_4M.fd

machine_init() {
  dir=$(mktemp -d /tmp/iusb.XXXX) # short: a socket's path has 107 characters
  mkdir "$dir/images" "$dir/state"
  pids=()
  qemu_pid=
  bmcs=0
}

# Ends everything, the guest first.
machine_end() {
  local i
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    kill -TERM "${pids[i]}" 2>/dev/null || true
  done
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    for _ in $(seq 100); do
      kill -0 "${pids[i]}" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "${pids[i]}" 2>/dev/null || true
    wait "${pids[i]}" 2>/dev/null || true
  done
  rm -rf "$dir"
  return 0
}

# machine_wait COMMAND...: until it succeeds.
machine_wait() {
  local end=$((SECONDS + LIMIT))
  until "$@"; do
    if [ $SECONDS -ge $end ]; then
      echo "waited $LIMIT s in vain for: $*"
      return 1
    fi
    sleep 0.2
  done
}

# machine_bmc NAME [SOCKET [ARGUMENT...]]: the simulated BMC, or several if NAME is a pattern; $dir/targets.conf (of a
# second call targets2.conf) describes them, $dir/{cd,fd,hd}.sock, or what SOCKET says with %n and %d, are their USB
# devices. ARGUMENT: more for the simulator.
machine_bmc() {
  local name=$1 socket=${2:-%d.sock}
  shift $(($# < 2 ? $# : 2))
  bmcs=$((bmcs + 1))
  "$bmcsim" --name "$name" --port-base 0 --print-targets "$dir/targets${bmcs#1}.conf" --usbredir "$dir/$socket" "$@" \
    >>"$dir/bmcsim.log" 2>&1 3>&- &
  pids+=($!)
  machine_wait bmcs_are_ready
}

bmcs_are_ready() {
  [ "$(grep -cx ready "$dir/bmcsim.log")" = "$bmcs" ]
}

machine_iusbd() {
  cat >"$dir/iusbd.conf" <<EOF
socket    = "$dir/socket";
state_dir = "$dir/state";
image_dirs = [ "$dir/images" ];
@include "targets*.conf"
EOF
  "$iusbd" -c "$dir/iusbd.conf" --foreground >"$dir/iusbd.log" 2>&1 3>&- &
  pids+=($!)
  machine_wait iusbd_answers
}

iusbd_answers() {
  ctl version >/dev/null 2>&1
}

ctl() {
  "$iusbctl" --socket "$dir/socket" "$@"
}

# machine_boot FIRMWARE DEVICE...: starts the guest, with these virtual drives; it boots from the first.
# FIRMWARE is bios (SeaBIOS) or uefi (OVMF).
machine_boot() {
  local firmware=$1 device arguments=() first=,bootindex=0
  shift
  for device; do
    arguments+=(-chardev "socket,id=$device,path=$dir/$device.sock"
      -device "usb-redir,chardev=$device,bus=hc.0$first")
    first=
  done
  if [ "$firmware" = uefi ]; then
    cp "$ovmf_vars" "$dir/vars.fd"
    arguments+=(-drive "if=pflash,format=raw,readonly=on,file=$ovmf_code"
      -drive "if=pflash,format=raw,file=$dir/vars.fd")
  fi
  machine_qemu -vga std -device qemu-xhci,id=hc "${arguments[@]}"
}

# machine_qemu ARGUMENT...: starts the guest, with these and what all of them have. What it says is in $dir/serial.log.
machine_qemu() {
  # graphics=off: SeaBIOS shows its screen on the serial line.
  qemu-system-x86_64 -M q35,graphics=off -accel tcg -cpu qemu64 -m 512 -nodefaults -display none -nic none -no-reboot \
    "$@" -serial "file:$dir/serial.log" >"$dir/qemu.log" 2>&1 3>&- &
  qemu_pid=$!
  pids+=("$qemu_pid")
}

# What the guest has said so far, without the terminal's control sequences.
machine_text() {
  sed -e 's/\x1b\[[0-9;?]*[A-Za-z]//g' -e 's/\x1b[c78()=>]//g' -e 's/\r//g' "$dir/serial.log" 2>/dev/null
}

# machine_has TEXT: the guest has said it.
machine_has() {
  machine_text | grep -aqF -- "$1"
}

machine_is_up() {
  kill -0 "$qemu_pid" 2>/dev/null
}

# machine_says TEXT: waits until the guest has said it. Fails at once if the guest has ended or says that it failed.
machine_says() {
  local end=$((SECONDS + LIMIT)) is_up
  while true; do
    is_up=1
    machine_is_up || is_up=0 # looked at first: the last words count
    machine_has "$1" && return 0
    if machine_has "GUEST FAILED" || [ $is_up = 0 ] || [ $SECONDS -ge $end ]; then
      echo "the guest did not say \"$1\""
      return 1
    fi
    sleep 0.2
  done
}

machine_is_down() {
  ! machine_is_up
}

# The last lines of everything, for a test that failed.
machine_report() {
  local log
  echo "--- the guest"
  machine_text | tail -n 40
  echo # the guest's last line may have no end
  for log in qemu bmcsim iusbd; do
    if [ -s "$dir/$log.log" ]; then
      echo "--- $log"
      tail -n 30 "$dir/$log.log"
    fi
  done
}
