# SPDX-License-Identifier: GPL-2.0-or-later
# iusbctl probe: what each generation of BMC is, said within seconds and without disturbing anybody.
load lib

local_setup() {
  make_iso cd.iso
  make_floppy dos.img
}

# probe_json ARGUMENT...: the report, in $report.
probe_json() {
  report=$(ctl --json probe "$@") || return
  report=$(jq '.[0]' <<<"$report")
}

# says FILTER VALUE: of the report.
says() {
  local got
  got=$(jq -r "$1" <<<"$report")
  [ "$got" = "$2" ] || {
    echo "$1 is \"$got\", not \"$2\""
    echo "$report"
    return 1
  }
}

slots() {
  jq -r '[.slots[] | "\(.slot)=\(.state)"] | join(" ")' <<<"$report"
}

# open_ports: "cd fd hd web", those that are open, in order of their names.
open_ports() {
  jq -r '[.ports[] | select(.state == "open" or .state == "ours") | .service] | sort | unique | join(" ")' <<<"$report"
}

# stanza_is_good [TEXT...]: the stanza of the report is a configuration that iusbd takes, and has the texts.
stanza_is_good() {
  local stanza text
  stanza=$(jq -r .stanza <<<"$report")
  printf 'targets = (\n%s\n);\n' "$stanza" >"$dir/pasted.conf"
  "$builddir/iusbd" -c "$dir/pasted.conf" --check-config || return
  for text in "$@"; do
    [[ $stanza == *"$text"* ]] || {
      echo "\"$text\" is not in: $stanza"
      return 1
    }
  done
}

sim_count() { # sim_count TEXT NUMBER: how often the simulator has said it
  [ "$(grep -cF -- "$1" "$dir/sim.log")" = "$2" ]
}

# sim_tell COMMAND...: to the simulator with --control "$dir/control".
sim_tell() {
  python3 - "$dir/control" "$*" <<'EOF'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(60)
s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode() + b"\n")
answer = s.makefile().readline()
print(answer, end="")
sys.exit(0 if answer.startswith("ok") else 1)
EOF
}

@test "legacy: it speaks first, and the slot is free" {
  start_sim
  start_iusbd
  probe_json node1
  says .dialect legacy
  says .evidence "it spoke first"
  says .way.transport direct
  says .web null
  says '.slots[0].state' free
  [ "$(open_ports)" = "cd fd hd" ]
  stanza_is_good 'dialect = "legacy"'
}

@test "legacy: what is served here and what another one holds" {
  start_sim
  start_iusbd
  ctl attach node1/fd dos.img
  exec {held}<>"/dev/tcp/127.0.0.1/$(sed -n 's/.* cd=\([0-9]*\).*/\1/p' "$dir/sim.log" | head -n 1)"
  wait_for sim_said "node1/cd: client 127.0.0.1:"
  probe_json --slots node1
  [ "$(slots)" = "node1/cd=in-use node1/fd=ours node1/hd=free" ]
  says '.slots[0].holder' 127.0.0.1
  says '.slots[1].image' dos.img
  # Neither of them has noticed.
  field_is node1/fd state serving
  sim_count "node1/fd: client 127.0.0.1:" 1
  run ! sim_said "node1/cd: client gone"
  exec {held}>&-
}

@test "asp: what its web interface says, and nothing is left behind" {
  start_sim --dialect asp --slots cd=2,fd=1,hd=1
  start_iusbd
  probe_json node1
  says .dialect asp
  says .web.flow asp
  says .login.failure null
  says .login.licence true
  says .way.transport direct
  says '[.devices[].slots] | @json' '[2,1,1]'
  [ "$(slots)" = "node1/cd=unknown node1/cd1=unknown node1/fd=unknown node1/hd=unknown" ]
  [ "$(open_ports)" = "cd fd hd web" ]
  wait_for sim_said "web: logout"
  sim_count "web: login of" 1
  run ! sim_said "client 127.0.0.1:" # no slot was taken
  stanza_is_good 'dialect = "asp"; transport = "direct"' 'method = "asp"; user = "admin"'
}

@test "asp: --slots says who holds them, with our own and another one's left in peace" {
  start_sim --dialect asp
  start_iusbd
  ctl attach node1/cd cd.iso
  probe_json --slots node1
  [ "$(slots)" = "node1/cd=ours node1/fd=free node1/hd=free" ]
  field_is node1/cd state serving
  sim_count "node1/cd: client 127.0.0.1:" 1
  # Whoever it was, each has gone again.
  wait_for sim_said "node1/hd: client gone"
  ctl detach node1
  wait_for sim_said "web: logout"
}

@test "asp: a slot that somebody else holds" {
  start_sim --dialect asp --ack 4:0 --owner 10.0.0.7
  start_iusbd
  probe_json --slots node1
  [ "$(slots)" = "node1/cd=in-use node1/fd=in-use node1/hd=in-use" ]
  says '.slots[0].holder' 10.0.0.7
  run -0 ctl probe --slots node1
  [[ $output == *"in use 10.0.0.7"* ]]
}

@test "asp: without credentials its pages tell what it is" {
  start_sim --dialect asp
  sed -i 's/login = {[^}]*};/login = { method = "none"; };/; s/dialect = "asp"/dialect = "auto"/' "$dir/targets.conf"
  start_iusbd
  probe_json node1
  says .dialect asp
  says .evidence "its web pages"
  says .login null
  run ! sim_said "web: login"
  says '.stanza | contains("user = \"USER\"")' true
}

@test "rest: over TLS, with both certificates" {
  start_sim --dialect rest
  start_iusbd
  probe_json --slots node1
  says .dialect rest
  says .web.flow rest
  says .way.secure true
  says .legacy_tls false
  says '[.certificates[].use] | join(" ")' "web media"
  says '.certificates | all(.fingerprint | test("^[0-9a-f]{64}$"))' true
  [ "$(slots)" = "node1/cd=free node1/hd=free" ]
  wait_for sim_said "web: logout"
  stanza_is_good 'dialect = "rest"' 'legacy = false'
}

@test "rest in single-port mode goes by WebSocket" {
  start_sim --dialect rest --single-port on
  start_iusbd
  probe_json --slots node1
  says .way.transport websocket
  [ "$(slots)" = "node1/cd=free node1/hd=free" ]
  stanza_is_good 'dialect = "rest"; transport = "auto"'
}

@test "a missing licence and a detached device are said so" {
  start_sim --dialect rest --licence off
  start_iusbd
  probe_json node1
  says .login.licence false
  says .reason "licence missing"
  run -0 ctl probe node1
  [[ $output == *"licence        missing"* ]]
}

@test "a refused login is said so, and does not hide the rest" {
  start_sim --dialect rest
  echo wrong >"$dir/wrong.pass"
  sed -i "s|password_file = \"[^\"]*\"|password_file = \"$dir/wrong.pass\"|" "$dir/targets.conf"
  start_iusbd
  probe_json node1
  says .login.failure login
  says .dialect rest
  [[ $(jq -r .login.reason <<<"$report") == *"login refused for user admin"* ]]
  run -0 ctl probe node1
  [[ $output == *"login refused for user admin"* ]]
}

@test "old TLS is found, and the stanza allows it" {
  start_sim --dialect asp --tls old --media-tls on
  sed -i 's/legacy = true;//' "$dir/targets.conf"
  start_iusbd
  probe_json node1
  says .legacy_tls true
  says '[.ports[] | select(.service == "web") | .tls, .legacy] | @json' '["TLSv1",true]'
  says .login.failure tls
  stanza_is_good 'legacy = true'
}

@test "a changed certificate: probe shows both fingerprints, --trust pins it, and what waited goes on" {
  local old new
  start_sim --dialect rest --control "$dir/control"
  start_iusbd
  ctl attach node1/cd cd.iso
  probe_json node1
  old=$(jq -r '.certificates[0].fingerprint' <<<"$report")
  says '.certificates[0].pinned' "$old"
  [ "$(slots)" = "node1/cd=ours node1/hd=unknown" ]

  # The same BMC with another certificate, which the session meets when it comes back.
  sim_tell renew-cert node1
  sim_tell disconnect node1 cd
  wait_for field_has node1/cd reason "certificate changed"
  probe_json node1
  new=$(jq -r '.certificates[0].fingerprint' <<<"$report")
  [ "$old" != "$new" ]
  says '.certificates[0].pinned' "$old"
  says '.certificates[0].trusted' false
  says .login.failure certificate
  run -0 ctl probe node1
  [[ $output == *"another one: $old"* ]]

  probe_json --trust node1
  says '.certificates | all(.trusted)' true
  says .login.failure null
  wait_for field_is node1/cd state serving
  grep -qF "web certificate $new pinned by a command" "$dir/iusbd.log"

  # It stays pinned.
  stop_iusbd
  start_iusbd
  wait_for field_is node1/cd state serving
  probe_json node1
  says '.certificates[0].pinned' "$new"
}

@test "nothing there, nobody of that name, and nothing to trust have their exit codes" {
  start_sim
  start_iusbd
  run -4 --separate-stderr ctl probe nod1
  [[ $stderr == *"nod1"* ]]
  run -4 --separate-stderr ctl probe 'node*'/cd
  run -1 --separate-stderr ctl probe --trust node1
  [[ $stderr == *"no certificate"* ]]
  kill -TERM "$sim_pid"
  wait "$sim_pid" || true
  run -1 --separate-stderr ctl probe node1
  [[ $stderr == *"nothing answers at node1"* ]]
  [[ $output == *"closed"* ]]
}

@test "several BMCs at a time, and one of them twice" {
  local i
  start_sim --dialect asp --nodes 4 --name 'node[1-4]'
  start_iusbd
  for i in 1 2 3 4; do
    ctl --json probe "node$i" >"$dir/report$i" 3>&- &
    pids+=($!)
  done
  for i in 1 2 3 4; do
    wait_for jq -e '.[0].dialect == "asp"' "$dir/report$i"
  done
  run -0 ctl probe node3
  sim_count "node3: web: login of" 2
}
