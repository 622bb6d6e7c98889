# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# fleet: for files whose tests share one iusbd and many simulated BMCs, each of another kind. A file starts them in
# fleet_setup(); a test uses those that it needs and leaves them as it found them. There are many processes already: what
# the shell can do itself is not left to others.
load lib

setup_file() {
  dir=$(mktemp -d "${TMPDIR:-/tmp}/iusb.XXXXXX") # short: a socket's path has 107 characters
  socket=$dir/s
  images=$dir/images
  export dir socket images
  mkdir "$images" "$dir/state"
  head -c 1474560 /dev/urandom >"$images/m.img" # a floppy, and of whole CD sectors
  fleet_setup
}

teardown_file() {
  local file pids=() pid
  for file in "$dir"/*.pid; do pids+=("$(<"$file")"); done
  kill -TERM "${pids[@]}" 2>/dev/null
  for pid in "${pids[@]}"; do
    for _ in $(seq 100); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null
  done
  rm -rf "$dir"
  return 0
}

setup() {
  : >"$dir/began"
}

# Of a test that failed: what those said that had something to say.
teardown() {
  local log
  [ -z "${BATS_TEST_COMPLETED:-}" ] || return 0
  for log in "$dir"/*.log; do
    [ "$log" -nt "$dir/began" ] || continue
    echo "--- ${log##*/}"
    tail -n 40 "$log"
  done
}

# ---- what was said ----

# slurp VARIABLE FILE: without the last end of line.
slurp() {
  local -n into=$1
  IFS= read -rd '' into <"$2" || true
  into=${into%$'\n'}
}

# said NAME TEXT [TIMES]: NAME.log has it at least so many times.
said() {
  local log count=0
  slurp log "$dir/$1.log"
  while [[ $log == *"$2"* ]]; do
    log=${log#*"$2"}
    count=$((count + 1))
    [ $count -lt "${3:-1}" ] || return 0
  done
  return 1
}

# json VARIABLE TEXT KEY: the value of the first such key, "" for null; with web.KEY the first one behind "web".
json() {
  local -n into=$1
  local text=$2 key=${3#web.}
  local pattern="\"$key\": ?(\"(([^\"\\\\]|\\\\.)*)\"|[^],}[:space:]]*)"
  [ "$key" = "$3" ] || text=${text#*'"web"'}
  [[ $text =~ $pattern ]] || return 1
  into=${BASH_REMATCH[1]}
  [[ $into != \"* ]] || into=${BASH_REMATCH[2]}
  [ "$into" != null ] || into=
}

# ---- BMCs ----

# bmc NAME ARGUMENT...: a simulated BMC; bmcs_are_ready waits for all of them. Its target is in targets-NAME.conf, what
# it says in NAME.log.
bmc() {
  local name=$1
  shift
  : >"$dir/$name.log"
  "$builddir/iusb-bmcsim" --port-base 0 --refusal-pause 0 --name "$name" --print-targets "$dir/targets-$name.conf" \
    --control "$dir/$name.ctl" "$@" >"$dir/$name.log" 2>&1 </dev/null 3>&- &
  echo $! >"$dir/$name.pid"
}

bmcs_are_ready() {
  local file
  for file in "$dir"/*.pid; do
    file=${file##*/}
    wait_for said "${file%.pid}" $'\nready'
  done
}

is_gone() {
  ! kill -0 "$1" 2>/dev/null
}

# stop NAME [SIGNAL]: ends a BMC, or iusbd.
stop() {
  local pid
  slurp pid "$dir/$1.pid"
  kill "-${2:-TERM}" "$pid"
  wait_for is_gone "$pid"
  rm "$dir/$1.pid"
}

# port NAME KEY: as in the line that the simulator prints: cd, hd-tls, web, web-tls, ...
port() {
  sed -n "s/^$1 .* $2=\([0-9]*\).*/\1/p" "$dir/$1.log"
}

# variant NEW OLD SED...: another target, the same BMC. Each SED is a command for sed.
variant() {
  local new=$1 old=$2 arguments=() command
  shift 2
  for command; do arguments+=(-e "$command"); done
  sed -e "s/name = \"$old\"/name = \"$new\"/" "${arguments[@]}" "$dir/targets-$old.conf" >"$dir/targets-$new.conf"
}

# ask NAME VERB [ARGUMENT]: does it to that BMC; $answer is what it says.
ask() {
  answer=$(socat -t 60 - "UNIX-CONNECT:$dir/$1.ctl" <<<"$2 $1 ${3:-}")
  [[ $answer != error* ]] || {
    echo "$answer"
    return 1
  }
}

# counted NAME KEY: of the BMC's status.
counted() {
  local value
  ask "$1" status
  json value "$answer" "$2"
  echo "$value"
}

count_is() { # count_is NAME KEY VALUE
  local value
  ask "$1" status && json value "$answer" "$2" && [ "$value" = "$3" ]
}

# No rule was broken; nobody is logged in any more, each web session was logged out.
is_settled() {
  local complaints logins logouts overlaps most
  ask "$1" status && json complaints "$answer" complaints && [ "$complaints" = 0 ] || return
  json logins "$answer" web.logins || return 0 # it has no web server
  json logouts "$answer" web.logouts
  json overlaps "$answer" web.overlaps
  json most "$answer" web.sessions_most
  [ "$logins $overlaps" = "$logouts 0" ] && [ "$most" -le 1 ]
}

# check_bmc NAME...: the machines found nothing wrong, no rule was broken, each web session was logged out, there was one
# at most at a time, and one request.
check_bmc() {
  local name
  for name; do
    run ! grep -E 'FAIL|complaint:' "$dir/$name.log"
    wait_for is_settled "$name" || {
      ask "$name" status
      echo "$answer"
      return 1
    }
  done
}

# host_is_done SLOT [TIMES]: the machine behind the slot has found everything right.
host_is_done() {
  said "${1%/*}" "$1: host script done: good" "${2:-1}"
}

# ---- iusbd ----

# start_daemon [NAME=VALUE...]: iusbd with all targets; NAME=VALUE goes into its environment.
start_daemon() {
  [ -e "$dir/iusbd.conf" ] || write_config
  env "$@" "$builddir/iusbd" -c "$dir/iusbd.conf" --socket "$socket" --state-dir "$dir/state" --foreground \
    --log-level "${LOG_LEVEL:-info}" >>"$dir/iusbd.log" 2>&1 </dev/null 3>&- &
  echo $! >"$dir/iusbd.pid"
  wait_for ctl version
}

# expect STATUS ARGUMENT...: iusbctl ends with that exit status; sets $output and $stderr.
expect() {
  local code=0
  ctl "${@:2}" >"$dir/out" 2>"$dir/err" || code=$?
  slurp output "$dir/out"
  slurp stderr "$dir/err"
  [ $code = "$1" ] || {
    printf 'iusbctl %s: exit status %s\n%s\n%s\n' "${*:2}" $code "$output" "$stderr"
    return 1
  }
}

# attached SLOT... IMAGE [OPTION...]: accepted by the BMC, each of them.
attached() {
  local word
  expect 0 attach "$@"
  [ -z "$stderr" ]
  for word; do
    [[ $word != */* || $output == *"$word: "*"accepted by the BMC"* ]]
  done
}

detached() { # detached SELECTOR...
  expect 0 -q detach "$@"
}

# shown SLOT KEY: of iusbctl --json show.
shown() {
  local value
  expect 0 --json show "$1"
  json value "$output" "$2"
  echo "$value"
}

shown_is() { # shown_is SLOT KEY VALUE
  local value
  expect 0 --json show "$1" && json value "$output" "$2" && [ "$value" = "$3" ]
}

# sessions_are SLOT N: it is served, for the N-th time.
sessions_are() {
  local state count
  expect 0 --json show "$1"
  json state "$output" state
  json count "$output" sessions
  [ "$state $count" = "serving $2" ]
}

# refused SLOT IMAGE KIND TEXT...: the BMC says no: exit status 5 at once, each TEXT in the words, and show says the same;
# detached afterwards.
refused() {
  expect 5 attach "$1" "$2" --timeout "$LIMIT"
  [ -z "$output" ]
  check_failure "$1" "${@:3}"
  [ "$state" = backoff ]
  detached "$1"
}

# failing SLOT IMAGE KIND TEXT...: iusbd keeps trying: exit status 6 when the time is up.
failing() {
  expect 6 attach "$1" "$2" --timeout 0.5
  check_failure "$1" "${@:3}"
  detached "$1"
}

# check_failure SLOT KIND TEXT...: after an attach that printed $stderr. Sets $state.
check_failure() {
  local failure reason text words=$stderr
  expect 0 --json show "$1"
  json state "$output" state
  json failure "$output" failure
  json reason "$output" reason
  printf '%s\n%s: %s: %s\n' "$words" "$state" "$failure" "$reason"
  [ "$failure" = "$2" ]
  [[ $words == *"$1"* ]]
  for text in "${@:3}"; do
    [[ $words == *"$text"* ]]
    [[ $reason == *"$text"* ]]
  done
}
