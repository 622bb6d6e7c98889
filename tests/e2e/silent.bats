# SPDX-License-Identifier: GPL-2.0-or-later
# As faults.bats, but it takes the ten seconds that a BMC has to speak.
load lib

@test "a BMC that says nothing" {
  faulty silent "10 s"
}
