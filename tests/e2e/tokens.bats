# SPDX-License-Identifier: GPL-2.0-or-later
# Sessions that live long: tokens and web sessions that expire meanwhile, slots that share a token or that somebody else
# holds, BMCs that end sessions or reboot. iusbd gets back what it had, with a new login each time.
load fleet

fleet_setup() {
  local read="enumerate,compare=$images/m.img"
  bmc asp --dialect asp --media-tls on --slots cd=3 --reboot-time 0.5 --host "$read"
  bmc rest --dialect rest --reboot-time 0.5 --host "$read"
  bmc ws --dialect rest --single-port on --quirks -open-ports --reboot-time 0.5 --host "$read"
  bmc tunnel --dialect asp --single-port on --media-tls on --quirks -open-ports --reboot-time 0.5 --host "$read"
  bmc gadget --dialect rest-gadget --single-port on --quirks -open-ports --reboot-time 0.5 --host "$read"
  bmc short --dialect rest --single-port on --quirks -open-ports --session-life 0.3 --device cd --host "$read"
  bmc short-token --dialect asp --token-life 0.3 --device cd --host "$read"
  bmc locked --dialect asp --web-quirks ports-locked --host "$read"
  bmc held --dialect asp --owner 10.0.0.7
  bmc slow-pause --dialect rest --refusal-pause 0.5 --ack 3:1
  bmc idle --dialect rest --idle 0.2 --patience 30
  bmc idle-ws --dialect rest --single-port on --quirks -open-ports --idle 0.2 --patience 30
  bmc eject-asp --dialect asp --host enumerate,eject
  bmc eject-rest --dialect rest --host enumerate,eject
  bmc eject-ws --dialect rest --single-port on --quirks -open-ports --host enumerate,eject
  bmcs_are_ready
  variant other held
  start_daemon
}

@test "all web sessions and tokens expire: who is served notices nothing, the next session logs in anew" {
  local slot
  attached asp/cd rest/hd ws/cd tunnel/fd m.img
  for slot in asp/cd rest/hd ws/cd tunnel/fd; do
    wait_for host_is_done $slot
    ask ${slot%/*} expire
    ask ${slot%/*} host-reset # the machine reads all of it once more
  done
  for slot in asp/cd rest/hd ws/cd tunnel/fd; do
    wait_for host_is_done $slot 2
    sessions_are $slot 1
    ask ${slot%/*} reset ${slot#*/}
  done
  for slot in asp/cd rest/hd ws/cd tunnel/fd; do
    wait_for sessions_are $slot 2
    wait_for host_is_done $slot 3
    count_is ${slot%/*} web.logins 2
  done
  detached asp rest ws tunnel
  for name in asp rest ws tunnel; do
    wait_for count_is $name web.sessions 0
    count_is $name complaints 0
  done
}

@test "a web session and a token that live for a moment only" {
  attached short/cd short-token/cd m.img
  wait_for said short "web session ended after 0.3 s"
  shown_is short/cd state serving
  for i in 2 3; do
    ask short reset cd
    ask short-token reset cd
    wait_for sessions_are short/cd $i
    wait_for sessions_are short-token/cd $i
  done
  wait_for host_is_done short/cd 3
  wait_for host_is_done short-token/cd 3
  detached short short-token
}

@test "a token that a session has in the moment it is refused: one pause, one new token" {
  attached slow-pause/hd m.img
  said slow-pause "gets ACK 3"
  sessions_are slow-pause/hd 1
  detached slow-pause
  check_bmc slow-pause
}

@test "slots of one class have one token, slots of others their own" {
  attached asp/cd asp/cd1 asp/fd m.img
  attached asp/cd2 m.img # while the others are up
  for slot in asp/cd asp/cd1 asp/cd2 asp/fd; do sessions_are $slot 1; done
  run ! said asp "another token than the other instances"
  # One of them comes back while the others hold the token.
  ask asp reset cd1
  wait_for shown_is asp/cd1 sessions 2
  run ! said asp "another token than the other instances"
  detached asp
}

@test "ports that are shut until the JNLP was fetched, each time" {
  attached locked/cd m.img
  ask locked reset cd
  wait_for sessions_are locked/cd 2
  wait_for host_is_done locked/cd 2
  detached locked
  check_bmc locked
}

@test "a slot that somebody else holds: who it is; ours when it is free" {
  attached held/cd m.img
  refused other/cd m.img busy "in use by 10.0.0.7"
  shown_is held/cd state serving
  detached held
  attached other/cd m.img
  detached other
  wait_for count_is held web.sessions 0
  count_is held complaints 0
}

@test "the BMC reboots: login, connection and medium come back by themselves" {
  local slot
  attached asp/cd rest/hd ws/cd tunnel/fd gadget/cd m.img
  for slot in asp/cd rest/hd ws/cd tunnel/fd gadget/cd; do
    ask ${slot%/*} reboot
  done
  for slot in asp/cd rest/hd ws/cd tunnel/fd gadget/cd; do
    wait_for sessions_are $slot 2
    said ${slot%/*} "is up again"
  done
  wait_for host_is_done gadget/cd
  detached asp rest ws tunnel gadget
}

@test "the BMC ends sessions in each of its ways, and gets them back" {
  local way
  attached asp/cd rest/hd ws/cd m.img
  n=1
  for way in kill disconnect reset; do
    n=$((n + 1))
    for slot in asp/cd rest/hd ws/cd; do ask ${slot%/*} $way ${slot#*/}; done
    for slot in asp/cd rest/hd ws/cd; do wait_for sessions_are $slot $n; done
  done
  detached asp rest ws
}

@test "a host that ejects: the state says so, for each dialect" {
  for name in asp rest ws; do
    expect 0 attach eject-$name/cd m.img --wait none
    wait_for shown_is eject-$name/cd state ejected
    detached eject-$name
    check_bmc eject-$name
  done
  attached gadget/cd m.img
  ask gadget disconnect cd
  wait_for shown_is gadget/cd state ejected
  detached gadget
}

@test "an idle session answers the keep-alives and stays" {
  attached idle/hd idle-ws/cd m.img
  for slot in idle/hd idle-ws/cd; do
    pings() { [ "$(shown $slot keep_alives)" -ge 3 ]; }
    wait_for pings
    sessions_are $slot 1
  done
  detached idle idle-ws
  check_bmc idle idle-ws
}
