# SPDX-License-Identifier: GPL-2.0-or-later
# The web login, where it fails and where web servers are odd: what the operator reads; that every web session is logged
# out; that a password is nowhere to be seen.
load fleet

fleet_setup() {
  local name
  mark=S3cretMark$RANDOM
  echo "$mark" >"$dir/mark"
  echo "$mark&=%+\"'ö" >"$dir/password"
  echo "${mark}Token" >"$dir/token"
  chmod 600 "$dir/password" "$dir/token"
  bmc asp --dialect asp --password-file "$dir/password"
  bmc asp-401 --dialect asp --web-quirks none
  bmc rest --dialect rest --password-file "$dir/password" --slots cd=2
  bmc rest-200 --dialect rest --web-quirks bad-with-200
  bmc digest --dialect asp --web digest --web-quirks none
  bmc odd --dialect asp --password-file "$dir/password" --web-quirks all,-ports-locked,-jnlp-no-ports,-token-once
  bmc odd-rest --dialect rest --password-file "$dir/password" --web-quirks all,-ports-locked,-token-once
  bmc ws --dialect rest --password-file "$dir/password" --single-port on --quirks -open-ports
  bmc full --dialect rest --single-port on --quirks -open-ports --web-sessions 1
  bmc full-asp --dialect asp --single-port on --media-tls on --quirks -open-ports --web-sessions 1
  bmc ban --dialect rest --ban 1:600
  bmc ready-made --dialect asp --token "${mark}Token"
  bmc down --dialect asp
  web_server broken '500 Internal Server Error'
  web_server closing ''
  bmcs_are_ready
  kill "$(cat "$dir/down.pid")"
  wait_for is_gone "$(cat "$dir/down.pid")"
  rm "$dir/down.pid"
  for name in asp asp-401 rest rest-200 digest; do
    variant "wrong-$name" $name "s#password_file = \"[^\"]*\"#password_file = \"$dir/wrong\"#"
  done
  echo wrong >"$dir/wrong"
  cp "$dir/password" "$dir/changing"
  variant changing asp "s#password_file = \"[^\"]*\"#password_file = \"$dir/changing\"#"
  variant user rest 's/user = "admin"/user = "nobody"/'
  variant full-2 full
  variant full-asp-2 full-asp
  variant plain asp "s/web = [0-9]*/web = $(port asp web)/" 's/mode = "auto"/mode = "off"/'
  variant other-flow asp 's/dialect = "asp"/dialect = "rest"/' 's/method = "asp"/method = "rest"/'
  for name in broken closing; do
    cat >"$dir/targets-$name.conf" <<EOF
targets = ( { name = "$name"; address = "127.0.0.1"; dialect = "rest"; ports = { web = $(web_port $name); };
  login = { user = "admin"; password_file = "$dir/password"; }; tls = { mode = "off"; }; } );
EOF
  done
  write_config 'login_parallel = 2;'
  LOG_LEVEL=debug start_daemon
}

# web_server NAME STATUS: answers every request with it; without one it only hangs up.
web_server() {
  cat >"$dir/$1.sh" <<EOF
#!/bin/bash
while IFS= read -r line && [ "\$line" != \$'\r' ]; do :; done
[ -n '$2' ] || exit 0
printf 'HTTP/1.1 $2\r\nContent-Length: 0\r\n\r\n'
cat >/dev/null
EOF
  chmod +x "$dir/$1.sh"
  socat -d -d TCP-LISTEN:0,bind=127.0.0.1,fork "EXEC:$dir/$1.sh" >"$dir/$1.log" 2>&1 </dev/null 3>&- &
  echo $! >"$dir/$1.pid"
  wait_for web_port "$1"
  echo ready >>"$dir/$1.log"
}

web_port() {
  grep -oP 'listening on .*127\.0\.0\.1:\K[0-9]+' "$dir/$1.log"
}

@test "a wrong password, told by status 401 and with status 200; a wrong user" {
  refused wrong-asp/cd m.img login "login refused for user admin"
  refused wrong-asp-401/cd m.img login "login refused for user admin"
  refused wrong-rest/cd m.img login "login refused for user admin"
  refused wrong-rest-200/cd m.img login "login refused for user admin"
  refused wrong-digest/cd m.img login "login refused for user admin"
  refused user/cd m.img login "login refused for user nobody"
  for name in asp asp-401 rest rest-200 digest; do
    said $name "login refused: wrong user name or password"
    count_is $name web.logins 0
  done
}

@test "a wrong password is not tried again and again" {
  local retry_at refused
  refused=$(counted asp-401 web.refused)
  expect 5 attach wrong-asp-401/cd m.img
  retry_at=$(shown wrong-asp-401/cd retry_at)
  [ $((${retry_at%.*} - EPOCHSECONDS)) -gt 200 ]
  count_is asp-401 web.refused $((refused + 1))
  detached wrong-asp-401
}

@test "all web sessions are in use: later; then it works" {
  local name
  for name in full full-asp; do
    attached $name/cd m.img # keeps its web session
    count_is $name web.sessions 1
    refused $name-2/hd m.img busy "all web sessions of the BMC are in use"
    shown_is $name/cd state serving
    detached $name
    check_bmc $name
    attached $name-2/cd m.img
    detached $name-2
    check_bmc $name
  done
}

@test "403, a ban: nothing more is asked" {
  refused ban/cd m.img banned "banned by the BMC's web server (403)"
  requests=$(counted ban web.requests)
  refused ban/hd m.img banned "banned by the BMC's web server (403), for " " s more"
  count_is ban web.requests "$requests"
}

@test "a server that answers HTTP/1.0, twice, slowly, in pieces, with an empty token" {
  attached odd/cd odd-rest/cd m.img
  detached odd odd-rest
  check_bmc odd odd-rest
}

@test "a redirect to HTTPS, pages of another dialect: refused in words" {
  refused plain/cd m.img configuration "wants HTTPS" "redirects to https://127.0.0.1:$(port asp web-tls)"
  refused other-flow/cd m.img configuration "no login page of REST"
}

@test "a server error, a server that hangs up, no server" {
  failing broken/cd m.img protocol "the web server answers the login with 500"
  failing closing/cd m.img lost "closed the connection without an answer"
  failing down/cd m.img unreachable "not listening on $(port down web-tls)"
}

@test "the password is read anew for each login" {
  attached changing/cd m.img
  detached changing
  echo other >"$dir/changing"
  refused changing/cd m.img login "login refused for user admin"
  cp "$dir/password" "$dir/changing"
  attached changing/cd m.img
  detached changing
  check_bmc asp
}

@test "a password file that is gone or empty; one that others can read" {
  rm "$dir/changing"
  refused changing/cd m.img login "cannot read $dir/changing: No such file or directory"
  run -1 "$builddir/iusbd" -c "$dir/iusbd.conf" --check-config
  [[ $output == *"targets-changing.conf:"*"password_file"*"$dir/changing"* ]]
  : >"$dir/changing"
  refused changing/cd m.img login "the first line of $dir/changing is empty"
  cp "$dir/password" "$dir/changing"
  chmod 644 "$dir/changing"
  attached changing/cd m.img
  detached changing
  grep -q "warning: $dir/changing .*can be read by others" "$dir/iusbd.log"
}

@test "several slots of a BMC, several BMCs at once: one web session each, one request at a time" {
  attached rest/cd rest/cd1 rest/hd asp/cd asp/fd asp/hd odd-rest/cd odd-rest/hd ws/cd m.img
  detached rest asp odd-rest ws
  check_bmc rest asp odd-rest ws
}

@test "a stop of the daemon logs out, and so does a reload that takes the target away" {
  attached ws/cd full/cd rest/cd m.img
  count_is ws web.sessions 1
  stop iusbd
  count_is ws web.sessions 0
  check_bmc ws full rest
  LOG_LEVEL=debug start_daemon
  wait_for shown_is ws/cd state serving
  count_is ws web.sessions 1
  mv "$dir/targets-ws.conf" "$dir/away"
  ctl -q reload
  check_bmc ws
  mv "$dir/away" "$dir/targets-ws.conf"
  ctl -q reload
  detached ws full rest
}

@test "out and in again at once: the old web session is logged out before the new one is made" {
  local i
  for i in 1 2 3; do
    attached ws/cd m.img
    detached ws
    attached full/cd m.img # has one session only
    detached full
  done
  check_bmc ws full
}

@test "a password or a token is in no log, no answer, no file, no argument and no environment" {
  local pid
  pid=$(cat "$dir/iusbd.pid")
  attached ready-made/cd asp/cd rest/cd ws/cd m.img
  {
    ctl status
    ctl --json status
    ctl targets
    ctl --json targets
    for slot in ready-made asp rest ws; do
      ctl --json show $slot/cd
      ctl show $slot/cd
    done
    ctl --json images
    ctl --json version
    "$builddir/iusbd" -c "$dir/iusbd.conf" --print-config
    tr '\0' '\n' <"/proc/$pid/cmdline"
    tr '\0' '\n' <"/proc/$pid/environ"
  } >"$dir/seen"
  grep -qF "$dir/password" "$dir/seen" # where it is is no secret
  run ! grep -rlaFf "$dir/mark" "$dir/seen" "$dir/state" "$dir"/*.log
  detached ready-made asp rest ws
}
