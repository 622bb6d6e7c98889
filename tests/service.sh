#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# service: the installed units under a real systemd: a Debian root (debootstrap, kept in a cache) boots in a container, and
# a unit inside it starts, uses, reloads and stops the service as an administrator would (tests/service-inside). TAP.
set -u
src=$(cd "${srcdir:-.}" && pwd)
cache=${IUSBD_TEST_CACHE:-/var/cache/iusbd-tests}
packages=systemd,systemd-sysv,dbus,util-linux,procps,jq,libevent-2.1-7,libevent-pthreads-2.1-7,libssl3,libcurl4,libwslay1,libexpat1,libconfig9,libjansson4,libsqlite3-0,libsmartcols1,libusbredirparser1
base=$cache/root-$(echo "$packages" | md5sum | cut -c1-8)

skip_all() {
  echo "1..0 # SKIP $1"
  exit 0
}
[ "$(id -u)" = 0 ] || skip_all "only root can boot a container"
for tool in debootstrap systemd-nspawn; do
  command -v $tool >/dev/null || skip_all "$tool is not installed (contrib/quickstart deps ci)"
done

bail() {
  echo "1..1"
  echo "not ok 1 - $1"
  sed 's/^/# /' | tail -n 40
  exit 1
}

# The base system, once for all runs. The archive is the one that this machine uses.
if [ ! -e "$base.ready" ]; then
  archive=$(apt-get indextargets --format '$(REPO_URI)|$(CODENAME)|$(COMPONENT)|$(ORIGIN)' |
    awk -F'|' '$2 == "bookworm" && $3 == "main" && $4 == "Debian" { print $1; exit }')
  mkdir -p "$cache"
  rm -rf "$base"
  debootstrap --variant=minbase --include="$packages" bookworm "$base" "${archive:-http://deb.debian.org/debian}" >"$cache/debootstrap.log" 2>&1 ||
    bail "debootstrap makes a base system" <"$cache/debootstrap.log"
  touch "$base.ready"
fi

root=$(mktemp -d "$cache/service.XXXXXX")
trap 'rm -rf "$root"' EXIT
cp -a --reflink=auto "$base/." "$root"
{
  mkdir "$root/build" && cd "$root/build" &&
    "$src/configure" --quiet --prefix=/usr --sysconfdir=/etc --localstatedir=/var &&
    make -s -j2 && make -s install DESTDIR="$root"
} >"$root/build.log" 2>&1 </dev/null || bail "configure, make, make install into the container" <"$root/build.log"
cd "$src" || exit 1
rm -rf "$root/build"

install -m 755 "$src/tests/service-inside" "$root/usr/local/bin/service-inside"
cat >"$root/etc/systemd/system/service-inside.service" <<'EOF'
[Unit]
Description=Tests the iusbd service from inside
After=multi-user.target

[Service]
Type=oneshot
ExecStart=/usr/local/bin/service-inside
ExecStopPost=/usr/bin/systemctl --no-block poweroff
StandardOutput=file:/result.tap
StandardError=file:/result.err
TimeoutStartSec=300
EOF
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../service-inside.service "$root/etc/systemd/system/multi-user.target.wants/service-inside.service"
ln -sf /dev/null "$root/etc/systemd/system/console-getty.service"

timeout -k 10 420 systemd-nspawn -q -D "$root" --register=no --keep-unit -b --console=pipe </dev/null >"$root/console.log" 2>&1
if ! grep -q '^1\.\.' "$root/result.tap" 2>/dev/null; then
  { tail -n 30 "$root/console.log"; cat "$root/result.tap" "$root/result.err"; } 2>/dev/null | bail "the container ran its tests to the end"
fi
cat "$root/result.tap"
if grep -q '^not ok' "$root/result.tap"; then
  sed 's/^/# /' "$root/result.err"
  exit 1
fi
