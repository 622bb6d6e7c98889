# SPDX-License-Identifier: GPL-2.0-or-later
# Each dialect over each transport, with each device that it has: the machine reads the whole medium, and writes to floppy
# and disk. The simulator's quirks are on.
load fleet

# family NAME DEVICES ARGUMENT...: the CD of BMC NAME is read, floppy and disk of NAME-rw are read and written.
family() {
  local name=$1 read="enumerate,compare=$images/m.img"
  bmc "$name" --device cd --host "$read" "${@:3}"
  case $2 in *hd*) bmc "$name-rw" --device fd,hd --host "$read,write=$dir/data@100" "${@:3}" ;; esac
}

# board PROFILE: a real board of which iusbd knows where it is and how to log in.
board() {
  bmc "$1" --profile "$1" --host "enumerate,compare=$images/m.img"
}

fleet_setup() {
  local name transport
  head -c 70144 /dev/urandom >"$dir/data" # 137 blocks
  cp "$images/m.img" "$dir/written"
  dd if="$dir/data" of="$dir/written" bs=512 seek=100 conv=notrunc status=none
  family legacy cd,fd,hd --dialect legacy
  family asp cd,fd,hd --dialect asp
  family asp-tls cd,fd,hd --dialect asp --media-tls on
  family asp-tunnel cd,fd,hd --dialect asp --single-port on --quirks -open-ports --media-tls on
  family asp-tunnel-http cd,fd,hd --dialect asp --single-port on --quirks -open-ports
  family asp-tunnel-plain cd,fd,hd --dialect asp --tls off --single-port on --quirks -open-ports
  family token cd,fd,hd --dialect asp --token 0123456789abcdef
  family token-tls cd,fd,hd --dialect asp --token 0123456789abcdef --media-tls on
  family rest cd,hd --dialect rest --media-tls off
  family rest-tls cd,hd --dialect rest
  family rest-tunnel cd,hd --dialect rest --single-port on --quirks -open-ports
  family rest-ws cd --dialect rest --single-port on --quirks -open-ports
  family rest-ws-port cd --dialect rest
  family rest-ws-plain cd --dialect rest --media-tls off
  family gadget-ws cd --dialect rest-gadget --single-port on --quirks -open-ports
  family gadget-ws-port cd --dialect rest-gadget
  for name in floppy-2012 asmb8 rd450x irmc-s4 spx12 gadget; do board $name; done
  bmcs_are_ready
  # What the web interface does not say.
  for name in rest-tunnel rest-tunnel-rw rest-ws-port rest-ws-plain gadget-ws-port; do
    transport=websocket
    [[ $name != *tunnel* ]] || transport=tunnel
    sed -i "s/ tls = {/ transport = \"$transport\"; tls = {/" "$dir/targets-$name.conf"
  done
  # A name, an address and credentials; the port because all BMCs have the same address here.
  for name in floppy-2012 asmb8 rd450x irmc-s4 spx12 gadget; do
    sed -i -e 's/dialect = "[^"]*"/dialect = "auto"/' -e 's/method = "[^"]*";//' -e 's/ tls = {.*}; }/ }/' \
      "$dir/targets-$name.conf"
  done
  start_daemon
}

# spoken SLOT HOW: iusbd says how it speaks to it, as "asp, direct, TLSv1.3".
spoken() {
  grep "^iusbd: $1: accepted by" "$dir/iusbd.log"
  grep -q "^iusbd: $1: accepted by 127.0.0.1:[0-9]* ($2), serving" "$dir/iusbd.log"
}

# read_cd NAME HOW: the machine reads it. read_and_written NAME HOW DEVICE...: the same, and floppy and disk of NAME-rw.
read_cd() {
  attached "$1/cd" m.img
  wait_for host_is_done "$1/cd"
  spoken "$1/cd" "$2"
  detached "$1"
  check_bmc "$1"
}

read_and_written() {
  local device
  for device in "${@:3}"; do
    cp "$images/m.img" "$images/$1-$device.img"
    attached "$1-rw/$device" "$1-$device.img" --mode rw
    [[ $output == *writable* ]]
  done
  attached "$1/cd" m.img
  for device in "${@:3}"; do
    wait_for host_is_done "$1-rw/$device"
    spoken "$1-rw/$device" "$2"
  done
  wait_for host_is_done "$1/cd"
  spoken "$1/cd" "$2"
  detached "$1" "$1-rw"
  for device in "${@:3}"; do cmp "$dir/written" "$images/$1-$device.img"; done
  check_bmc "$1" "$1-rw"
}

@test "legacy: direct" {
  read_and_written legacy "legacy, direct" fd hd
}

@test "asp: direct, plain and TLS" {
  read_and_written asp "asp, direct" fd hd
  read_and_written asp-tls "asp, direct, TLSv1.3" fd hd
}

@test "asp: tunnel by HTTPS, by HTTP beside HTTPS, with no TLS at all" {
  read_and_written asp-tunnel "asp, tunnel, TLSv1.3" fd hd
  read_and_written asp-tunnel-http "asp, tunnel" fd hd
  read_and_written asp-tunnel-plain "asp, tunnel" fd hd
}

@test "asp with a ready-made token: direct, plain and TLS" {
  read_and_written token "asp, direct" fd hd
  read_and_written token-tls "asp, direct, TLSv1.3" fd hd
}

@test "rest: direct, plain and TLS" {
  read_and_written rest "rest, direct" hd
  read_and_written rest-tls "rest, direct, TLSv1.3" hd
}

@test "rest: tunnel" {
  read_and_written rest-tunnel "rest, tunnel, TLSv1.3" hd
}

@test "rest: WebSocket on the web port, and on the port of the CD" {
  read_cd rest-ws "rest, websocket, TLSv1.3"
  read_cd rest-ws-port "rest, websocket, TLSv1.3"
  read_cd rest-ws-plain "rest, websocket"
}

@test "rest-gadget: WebSocket on the web port, and on the port of the CD" {
  read_cd gadget-ws "rest-gadget, websocket, TLSv1.3"
  read_cd gadget-ws-port "rest-gadget, websocket, TLSv1.3"
}

# found NAME HOW SLOT...: all of it is found out, and remembered.
found() {
  local slot
  attached "${@:3}" m.img
  for slot in "${@:3}"; do
    wait_for host_is_done "$slot"
    spoken "$slot" "$2"
  done
  detached "$1"
  check_bmc "$1"
}

@test "auto: a legacy board" {
  found floppy-2012 "legacy, direct" floppy-2012/fd floppy-2012/cd floppy-2012/hd
}

@test "auto: boards with ASP pages, direct and by the tunnel" {
  found asmb8 "asp, direct" asmb8/cd asmb8/fd asmb8/hd
  found rd450x "asp, tunnel" rd450x/cd rd450x/hd
  found irmc-s4 "asp, tunnel" irmc-s4/cd irmc-s4/cd1 irmc-s4/hd
}

@test "auto: boards with a REST interface, TLS and WebSocket" {
  found spx12 "rest, direct, TLSv1.3" spx12/cd spx12/hd
  attached gadget/cd m.img
  wait_for host_is_done gadget/cd
  said iusbd "gadget/cd: its dialect is rest-gadget"
  detached gadget
  check_bmc gadget
}

@test "what was found is remembered over a restart" {
  run -0 sqlite3 "$dir/state/state.db" "SELECT target, value FROM fact WHERE name = 'dialect' AND target IN
    ('floppy-2012', 'asmb8', 'rd450x', 'irmc-s4', 'spx12', 'gadget') ORDER BY target"
  [ "${output//$'\n'/ }" = "asmb8|asp floppy-2012|legacy gadget|rest-gadget irmc-s4|asp rd450x|asp spx12|rest" ]
  stop iusbd
  start_daemon
  attached gadget/cd spx12/hd m.img
  spoken gadget/cd "rest-gadget, websocket, TLSv1.3"
  spoken spx12/hd "rest, direct, TLSv1.3"
  detached gadget spx12
}
