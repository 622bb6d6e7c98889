#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# dist: the release archive holds all that it takes to build, test, install and uninstall it. The tests that are run
# from it are those that need files of the tree; the rest of them other suites run. TAP.
tests='tests/check_packet tests/check_conf tests/replay_scsi tests/check-layers tests/tally.bats'
echo 1..1
# This script's own make must not hand its TESTS down.
if env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -j2 distcheck TESTS="$tests" >dist.log 2>&1 </dev/null; then
  echo "ok 1 - make distcheck"
else
  echo "not ok 1 - make distcheck"
  grep -nE 'ot ok|ERROR|Error|error:|No rule' dist.log | head -n 20 | sed 's/^/# /'
  tail -n 40 dist.log | sed 's/^/# /'
fi
