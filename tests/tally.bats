# SPDX-License-Identifier: GPL-2.0-or-later
# tally itself: what it counts, what it names, and when it fails.
bats_require_minimum_version 1.5.0

tally() {
  "$BATS_TEST_DIRNAME/tally" "$BATS_TEST_TMPDIR"
}

# suite NAME RESULT...: the driver's file for a suite with these results.
suite() {
  local name=$1
  shift
  printf ':test-result: %s\n' "$@" >"$BATS_TEST_TMPDIR/$name.trs"
}

@test "nothing that ran is a failure" {
  run ! tally
  [ "$output" = "0 passed, 0 failed" ]
}

@test "all good" {
  suite one PASS PASS
  suite two PASS "SKIP only root can"
  run -0 tally
  [ "${lines[0]}" = "  $BATS_TEST_TMPDIR/two: SKIP only root can" ]
  [ "${lines[1]}" = "3 passed, 0 failed, 1 skipped" ]
}

@test "a failure is named, and counted once although the suite's exit status is an error, too" {
  suite one PASS FAIL ERROR
  printf 'ok 1 good\nnot ok 2 bad\n' >"$BATS_TEST_TMPDIR/one.log"
  run ! tally
  [ "${lines[1]}" = "    not ok 2 bad" ]
  [ "${lines[-1]}" = "1 passed, 1 failed" ]
}

@test "a suite that ended before its time is a failure" {
  suite one PASS ERROR
  suite two PASS
  run ! tally
  [ "${lines[-1]}" = "2 passed, 1 failed" ]
}
