#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# format: the tree is formatted, every file says its licence, and the manual pages are clean. TAP.
cd "${srcdir:-.}" || exit 1
n=0
result() { # result TEXT OFFENDERS
  n=$((n + 1))
  if [ -z "$2" ]; then
    echo "ok $n - $1"
  else
    echo "not ok $n - $1"
    echo "$2" | sed 's/^/# /'
  fi
}
skip() {
  n=$((n + 1))
  echo "ok $n - $1 # SKIP $2"
}

sources=$(find src tests -name '*.[ch]')
if command -v clang-format >/dev/null; then
  result "clang-format has nothing to change" "$(clang-format --dry-run -Werror $sources 2>&1 | grep -E 'error:' | cut -d: -f1,2 | sort -u)"
else
  skip "clang-format has nothing to change" "clang-format is not installed"
fi
result "every source file names its licence" "$(grep -L 'SPDX-License-Identifier: GPL-2.0-or-later' $sources)"
result "no line ends in white space" "$(grep -rnI '[[:space:]]$' src tests/*.[ch] tests/e2e tests/boot contrib conf systemd man .ci configure.ac Makefile.am 2>/dev/null | cut -d: -f1,2)"
if command -v mandoc >/dev/null; then
  for page in man/*.[1-9]; do
    result "$page is clean" "$(mandoc -T lint -W warning "$page" 2>&1)"
  done
else
  skip "the manual pages are clean" "mandoc is not installed"
fi
echo "1..$n"
