# SPDX-License-Identifier: GPL-2.0-or-later
# A BMC that misbehaves costs its own session only, and status says why.
load lib

@test "garbage instead of a greeting" {
  faulty garbage "not IUSB"
}

@test "a wrong signature" {
  faulty signature "wrong signature"
}

@test "an oversized packet" {
  faulty oversize "too long"
}

@test "a truncated packet" {
  faulty truncated "in the middle of a packet"
}

@test "a connection that is reset" {
  faulty reset "reset"
}

@test "a BMC that kills the session" {
  faulty kill:1 "the BMC ended the session"
}

@test "a slot in use: exit 5 at once, with the owner; the attachment stays" {
  make_floppy dos.img
  start_sim --fault in-use
  start_iusbd
  run -5 --separate-stderr ctl attach node1 dos.img --timeout 600
  [[ $stderr == *"node1/fd"*"in use by "*"detach"* ]]
  field_is node1/fd image dos.img
  field_has node1/fd reason "in use by "
  ctl detach node1
}

@test "a BMC that denies: exit 5" {
  make_floppy dos.img
  start_sim --fault denied
  start_iusbd
  run -5 --separate-stderr ctl attach node1 dos.img --timeout 600
  [[ $stderr == *"denied"* ]]
}

@test "nobody listens: exit 6 after the timeout, with the reason; it is served once the BMC is there" {
  make_floppy dos.img
  start_sim
  kill "$sim_pid"
  wait "$sim_pid" || true
  start_iusbd
  run -6 --separate-stderr ctl attach node1 dos.img --timeout 1
  [[ $stderr == *"not listening on "* ]]
  wait_for field_is node1/fd state backoff
  field_has node1/fd reason "not listening on "
}

@test "a BMC that reboots is served again" {
  make_floppy dos.img
  # the ports of a real BMC, at an address that nobody else has
  address=127.$((RANDOM % 200 + 20)).$((RANDOM % 250 + 1)).$((RANDOM % 250 + 1))
  start_sim --address "$address" --port-base 5120
  start_iusbd
  ctl attach node1 dos.img
  kill -KILL "$sim_pid"
  wait "$sim_pid" || true
  wait_for field_is node1/fd state backoff
  start_sim --address "$address" --port-base 5120
  wait_for field_is node1/fd state serving
}
