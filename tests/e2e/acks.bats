# SPDX-License-Identifier: GPL-2.0-or-later
# Each status code of an ACK: what becomes of the attachment, what the operator reads, what the exit status is.
load fleet

fleet_setup() {
  bmc legacy --dialect legacy
  bmc asp --dialect asp --token 0123456789abcdef
  bmc web --dialect asp
  bmc rest --dialect rest
  bmc ws --dialect rest --single-port on --quirks -open-ports
  bmc no-owner --dialect asp --token 0123456789abcdef --owner-field 0
  bmc own --dialect asp --token 0123456789abcdef --owner 127.0.0.1
  bmc owner39 --dialect rest --token 0123456789abcdef --owner 2001:db8:0:1:2:3:4:5
  bmc owner45 --dialect rest --token 0123456789abcdef --owner-field 45 --owner 2001:db8::7
  bmc detached --dialect rest --attach-mode detached
  bmc detached-token --dialect asp --token 0123456789abcdef --attach-mode detached
  bmc no-privilege --dialect asp --privilege off
  bmc no-licence --dialect rest --licence off
  bmcs_are_ready
  start_daemon
}

# answers NAME STATUS[:TIMES]
answers() {
  ask "$1" ack "$2"
}

# at_once SLOT IMAGE: accepted, and no back-off lay before.
at_once() {
  local log
  : >"$dir/iusbd.log"
  attached "$1" "$2"
  slurp log "$dir/iusbd.log"
  [[ $log != *"$1: "*"next attempt in"* ]]
  sessions_are "$1" 1
}

@test "1, 27, 28: accepted" {
  local status reason
  for status in 1 27 28; do
    answers asp $status
    attached asp/fd m.img
    sessions_are asp/fd 1
    json reason "$output" reason
    [ -z "$reason" ]
    detached asp
  done
  answers asp 0
}

@test "2: denied" {
  answers asp 2
  refused asp/fd m.img refused "denied (ACK 2)"
  answers asp 0
}

@test "3: token refused, after another one was tried" {
  answers asp 3
  refused asp/fd m.img token "token refused (ACK 3)"
  answers asp 0
  answers web 3
  refused web/cd m.img token "token refused (ACK 3)"
  answers web 0
  check_bmc web
}

@test "3 once: a new token is fetched, and nobody notices" {
  local slot
  answers web 3:1
  answers rest 3:1
  answers ws 3:1
  for slot in web/fd rest/hd ws/cd; do
    at_once $slot m.img
    said ${slot%/*} "gets ACK 3"
    answers ${slot%/*} 0
    detached $slot
  done
  check_bmc web rest ws
}

@test "4: in use, with the owner's address in each of its sizes" {
  local name
  for name in legacy asp web rest ws no-owner own owner39 owner45; do answers $name 4; done
  refused legacy/fd m.img busy "in use by 192.168.0.77"
  refused asp/cd m.img busy "in use by 192.168.0.77"
  refused web/hd m.img busy "in use by 192.168.0.77"
  refused rest/cd m.img busy "in use by 192.168.0.77"
  refused ws/cd m.img busy "in use by 192.168.0.77"
  refused no-owner/cd m.img busy "in use (ACK 4)"
  refused own/cd m.img busy "in use by the BMC's own media"
  refused owner39/cd m.img busy "in use by 2001:db8:0:1:2:3:4:5"
  refused owner45/cd m.img busy "in use by 2001:db8::7"
  check_bmc web rest ws
  for name in legacy asp web rest ws no-owner own owner39 owner45; do answers $name 0; done
}

@test "5: no privilege" {
  answers asp 5
  refused asp/hd m.img refused "no virtual-media privilege (ACK 5)"
  answers asp 0
  refused no-privilege/cd m.img refused "no virtual-media privilege (ACK 5)"
  check_bmc no-privilege
}

@test "6: tried again, and once more at once" {
  answers asp 6
  failing asp/fd m.img lost "did not understand the first packet (ACK 6)"
  answers asp 6:1
  at_once asp/fd m.img
  said iusbd "asp/fd: the BMC did not understand the first packet, trying once more"
  answers asp 0
  detached asp
}

@test "7: detached, as the BMC says it and as its web interface does" {
  answers asp 7
  refused asp/cd m.img refused "detached in the BMC's attach mode (ACK 7)"
  answers asp 0
  refused detached-token/cd m.img refused "detached in the BMC's attach mode (ACK 7)"
  refused detached/hd m.img refused "hd is detached in the BMC's attach mode"
  count_is detached refused 0 # not even tried
  check_bmc detached
}

@test "8, 9: later" {
  answers asp 8
  refused asp/cd m.img busy "too many users or sessions (ACK 8)"
  answers asp 9
  refused asp/cd m.img busy "media service is not reachable (ACK 9)"
  answers asp 0
}

@test "13: no licence, as the BMC says it and as its web interface does" {
  answers asp 13
  refused asp/fd m.img refused "licence missing or expired (ACK 13)"
  answers asp 0
  refused no-licence/cd m.img refused "licence missing"
  check_bmc no-licence
}

@test "a number that nobody knows: refused, and shown" {
  local status
  for status in 10 26 255; do
    answers asp $status
    refused asp/cd m.img refused "not known (ACK $status)"
  done
  answers asp 0
}

@test "an instance, a device that the BMC does not have" {
  refused web/cd1 m.img configuration "the BMC has 1 cd slot: there is no cd1"
  refused rest/fd m.img configuration "this firmware has no floppy"
  check_bmc web rest
}

@test "one BMC of several refuses: exit status 7, the others are served" {
  answers web 2
  expect 7 attach asp/cd web/cd ws/cd m.img
  [[ $stderr == *"web/cd"*"denied (ACK 2)"* ]]
  expect 0 --json status asp/cd web/cd ws/cd
  [ "$(jq -c '[.[] | .state, .reason]' <<<"$output")" = \
    '["serving",null,"backoff","denied (ACK 2)","serving",null]' ]
  detached asp web ws
  answers web 0
  check_bmc web ws
}
