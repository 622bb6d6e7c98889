# SPDX-License-Identifier: GPL-2.0-or-later
# check-layers itself: it is silent on a good tree and names the line of an arrow that points up.
bats_require_minimum_version 1.5.0

setup() {
  here=$BATS_TEST_DIRNAME
  tree=$BATS_TEST_TMPDIR/src
  mkdir -p "$tree"
  for d in base iusb scsi image bmc daemon ctl bmcsim; do
    mkdir "$tree/$d"
    printf '#include <stdint.h>\n#include "base/a.h"\n' > "$tree/$d/a.c"
  done
}

@test "a tree whose arrows point down passes" {
  printf '#include "scsi/a.h"\n#include "config.h"\n' > "$tree/bmc/b.c"
  run -0 "$here/check-layers" "$tree"
  [[ $output != *"not ok"* ]]
}

@test "an arrow that points up is named with file and line" {
  printf '\n#include "bmc/session.h"\n' > "$tree/scsi/b.h"
  run -1 "$here/check-layers" "$tree"
  [[ $output == *"not ok"*"scsi/b.h:2:"* ]]
}

@test "the simulator must not know the drives" {
  printf '#include "scsi/scsi.h"\n' > "$tree/bmcsim/b.c"
  run -1 "$here/check-layers" "$tree"
  [[ $output == *"bmcsim/b.c:1:"* ]]
}

@test "a pure layer must not open sockets or use libevent" {
  printf '#include <sys/socket.h>\n' > "$tree/iusb/b.c"
  printf '#include <event2/buffer.h>\n' > "$tree/scsi/b.c"
  run -1 "$here/check-layers" "$tree"
  [[ $output == *"iusb/b.c:1:"* && $output == *"scsi/b.c:1:"* ]]
}

@test "a room that the design does not know is an error" {
  mkdir "$tree/misc"
  run -1 "$here/check-layers" "$tree"
  [[ $output == *"no such layer"* ]]
}
