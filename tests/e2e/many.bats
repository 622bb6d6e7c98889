# SPDX-License-Identifier: GPL-2.0-or-later
# many BMCs in one simulator, with all their quirks, served at once from one image.
load lib

serving() {
  [ "$(ctl --json status | jq '[.[] | select(.state == "serving")] | length')" = "$1" ]
}

@test "40 machines read the same floppy and find every byte right" {
  make_floppy dos.img
  start_sim --nodes 40 --name 'node[01-40]' --address 127.0.1.1 --device fd --host "enumerate,compare=$images/dos.img"
  start_iusbd
  run -0 ctl attach 'node[01-40]' dos.img
  serving 40
  all_good() { [ "$(grep -c 'host script done: good' "$dir/sim.log")" -ge 40 ]; }
  wait_for all_good
  run -1 grep -F FAIL "$dir/sim.log"
  [ "$(ctl --json status | jq '[.[] | select(.read >= 1474560)] | length')" = 40 ]
}

