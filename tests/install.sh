#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# install: make install puts everything in its place, systemd has nothing to say, make uninstall takes it all away. TAP.
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

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
prefix=$root/usr
dir=$root/build
src=$(cd "${srcdir:-.}" && pwd)
mkdir "$dir"
(cd "$dir" && "$src/configure" --quiet --prefix="$prefix" --sysconfdir="$root/etc") >"$dir/out" 2>&1 &&
  make -s -C "$dir" -j2 >>"$dir/out" 2>&1 && make -s -C "$dir" install >>"$dir/out" 2>&1
result "configure, make, make install" "$([ -x "$prefix/sbin/iusbd" ] || tail -n 20 "$dir/out")"

for f in sbin/iusbd bin/iusbctl bin/iusb-bmcsim share/man/man8/iusbd.8 share/man/man1/iusbctl.1 \
  share/man/man1/iusb-bmcsim.1 share/man/man5/iusbd.conf.5 lib/systemd/system/iusbd.service \
  lib/systemd/system/iusbd.socket lib/sysusers.d/iusbd.conf lib/tmpfiles.d/iusbd.conf; do
  result "$f is there" "$([ -s "$prefix/$f" ] || echo "$prefix/$f is missing")"
done
result "the example configuration is there" "$([ -s "$root/etc/iusbd/iusbd.conf" ] || find "$root/etc" "$prefix/share" -name '*.conf')"
result "the state is where the unit makes room for it" "$("$prefix/sbin/iusbd" -c "$root/etc/iusbd/iusbd.conf" --print-config 2>&1 |
  grep state_dir | grep -v ' "/var/lib/iusbd"')"
result "the example configuration is valid" "$("$prefix/sbin/iusbd" -c "$root/etc/iusbd/iusbd.conf" --check-config 2>&1 >/dev/null)"

if command -v systemd-analyze >/dev/null; then
  result "systemd-analyze verify has nothing to say" "$(MANPATH="$prefix/share/man:" systemd-analyze verify "$prefix"/lib/systemd/system/iusbd.* 2>&1)"
  mkdir -p "$root/sysroot/etc"
  result "systemd-sysusers makes the user and both groups" "$(
    systemd-sysusers --root="$root/sysroot" "$prefix/lib/sysusers.d/iusbd.conf" 2>&1 | grep -vi '^creating'
    for entry in passwd:iusbd group:iusbd group:iusb group:iusb-view; do
      grep -q "^${entry#*:}:" "$root/sysroot/etc/${entry%%:*}" || echo "no ${entry#*:} in ${entry%%:*}"
    done)"
else
  n=$((n + 1))
  echo "ok $n - systemd-analyze verify has nothing to say # SKIP systemd is not installed"
fi

version=$(sed -n 's/^AC_INIT(\[iusbd\], \[\(.*\)\])/\1/p' "$src/configure.ac")
for p in sbin/iusbd bin/iusbctl bin/iusb-bmcsim; do
  result "$p --version says $version" "$("$prefix/$p" --version 2>&1 | head -n 1 | grep -qF "$version" || "$prefix/$p" --version 2>&1)"
done

make -s -C "$dir" uninstall >>"$dir/out" 2>&1
result "make uninstall leaves nothing but the edited configuration" "$(find "$prefix" "$root/etc" ! -type d ! -name iusbd.conf)"
echo "1..$n"
