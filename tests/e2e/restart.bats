# SPDX-License-Identifier: GPL-2.0-or-later
# Attachments outlive the daemon: a clean stop, a kill, a reload.
load lib

local_setup() {
  make_floppy dos.img
  start_sim --nodes 2 --name 'node[1-2]' --address 127.0.1.1
}

@test "an attachment comes back after a restart" {
  start_iusbd
  ctl attach node1 dos.img
  stop_iusbd
  [ ! -e "$socket" ]
  start_iusbd
  wait_for field_is node1/fd state serving
  field_is node1/fd image dos.img
}

@test "an attachment comes back after kill -9" {
  start_iusbd
  ctl attach node1 dos.img --mode rw
  stop_iusbd KILL || true
  start_iusbd
  wait_for field_is node1/fd state serving
  field_is node1/fd mode rw
}

@test "what was detached stays away" {
  start_iusbd
  ctl attach node1 dos.img
  ctl detach node1
  stop_iusbd
  start_iusbd
  [ "$(ctl --json status)" = "[]" ]
}

@test "an image that is gone at the start shows in status and is served when it is back" {
  start_iusbd
  ctl attach node1 dos.img
  stop_iusbd
  mv "$images/dos.img" "$dir/away.img"
  start_iusbd
  wait_for field_has node1/fd reason "dos.img"
  field_is node1/fd state backoff
  mv "$dir/away.img" "$images/dos.img"
  ctl reload
  wait_for field_is node1/fd state serving
}

@test "a standing attachment starts with the daemon" {
  sed -i 's/name = "node2";/name = "node2"; attach = ( { device = "hd"; image = "dos.img"; } );/' "$dir/targets.conf"
  start_iusbd
  wait_for field_is node2/hd state serving
  field_is node2/hd image dos.img
}

@test "reload adds and removes targets, and leaves the others' sessions alone" {
  cp "$dir/targets.conf" "$dir/both.conf"
  start_iusbd
  ctl attach node1 dos.img
  sessions=$(ctl --json show node1/fd | jq '.[0] | "\(.sessions) \(.slot.since)"')
  ctl attach node2 dos.img
  python3 - "$dir/targets.conf" <<'EOF'
import re, sys
text = open(sys.argv[1]).read()
text = text.replace('"node2"', '"node3"')
open(sys.argv[1], "w").write(text)
EOF
  run -0 ctl --json reload
  [ "$(jq -c '.[0] | [.added, .changed, .removed]' <<<"$output")" = '[["node3"],[],["node2"]]' ]
  gone() { [ "$(ctl --json status | jq length)" = 1 ]; }
  wait_for gone
  [ "$(ctl --json show node1/fd | jq '.[0] | "\(.sessions) \(.slot.since)"')" = "$sessions" ]
  cp "$dir/both.conf" "$dir/targets.conf"
  kill -HUP "$iusbd_pid"
  wait_for field_is node2/fd state serving
  [ "$(ctl --json show node1/fd | jq '.[0] | "\(.sessions) \(.slot.since)"')" = "$sessions" ]
}

@test "a reload with an error changes nothing and says where" {
  start_iusbd
  ctl attach node1 dos.img
  echo 'tragets = ();' >>"$dir/iusbd.conf"
  run -1 --separate-stderr ctl reload
  [[ $stderr == *"iusbd.conf:"*"tragets"* ]]
  field_is node1/fd state serving
}

@test "a second daemon on the same state or socket is refused" {
  start_iusbd
  run -1 "$builddir/iusbd" -c "$dir/iusbd.conf" --socket "$dir/s2" --state-dir "$dir/state" --foreground
  [[ $output == *"$dir/state"* ]]
  mkdir "$dir/state2"
  run -1 "$builddir/iusbd" -c "$dir/iusbd.conf" --socket "$socket" --state-dir "$dir/state2" --foreground
  [[ $output == *"$socket"* ]]
  run -0 ctl version
}
