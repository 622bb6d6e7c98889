#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# dist: the release archive holds all that it takes to build, test, install and uninstall it. TAP.
echo 1..1
if make distcheck >dist.log 2>&1 </dev/null; then
  echo "ok 1 - make distcheck"
else
  echo "not ok 1 - make distcheck"
  grep -nE 'ot ok|ERROR|Error|error:|No rule' dist.log | head -n 20 | sed 's/^/# /'
  tail -n 40 dist.log | sed 's/^/# /'
fi
