# SPDX-License-Identifier: GPL-2.0-or-later
# The programs' own manners: help, versions, usage errors, a daemon that is not there, check-config and print-config.
load lib

@test "each program has help and a version on standard output" {
  for p in iusbd iusbctl iusb-bmcsim; do
    run -0 --separate-stderr "$builddir/$p" --help
    [[ $output == *"$p"* ]]
    [ -z "$stderr" ]
    run -0 --separate-stderr "$builddir/$p" --version
    [[ $output == "$p "* ]]
  done
}

@test "an unknown option or verb is exit status 2" {
  for p in iusbd iusbctl iusb-bmcsim; do
    run -2 --separate-stderr "$builddir/$p" --nonsense
    [ -z "$output" ]
  done
  run -2 --separate-stderr "$builddir/iusbctl" statsu
  [[ $stderr == *status* ]]
  run -2 --separate-stderr "$builddir/iusbctl" attach node1
}

@test "every verb has help with two examples" {
  for verb in status show attach swap detach targets images reload version; do
    run -0 "$builddir/iusbctl" help $verb
    [ "$(grep -c "^ *\$ *iusbctl\|^ *iusbctl .*$verb" <<<"$output")" -ge 2 ]
  done
}

@test "no daemon: exit status 3, and how to start it" {
  run -3 --separate-stderr ctl status
  [[ $stderr == *"not running"*"systemctl start iusbd"* ]]
}

@test "check-config says good, or all errors with file and line" {
  write_config
  run -0 "$builddir/iusbd" -c "$dir/iusbd.conf" --check-config
  [[ $output == *good* ]]
  printf 'image_dirs = [ "/tmp" ];\nsokcet = "/x";\ntargets = ( { name = "a b"; address = "127.0.0.1"; } );\nmetrics = "127.0.0.1:9797";\n' >"$dir/bad.conf"
  run -1 --separate-stderr "$builddir/iusbd" -c "$dir/bad.conf" --check-config
  [[ $stderr == *"bad.conf:2:"*"socket"* ]]
  [[ $stderr == *"bad.conf:3:"*"a b"* ]]
  [[ $stderr == *"bad.conf:4:"*"not supported yet"* ]]
  [ -z "$output" ]
}

@test "print-config prints what can be read again to the same" {
  start_sim --nodes 3 --name 'node[1-3]' --address 127.0.1.1
  write_config
  "$builddir/iusbd" -c "$dir/iusbd.conf" --print-config >"$dir/one.conf"
  "$builddir/iusbd" -c "$dir/one.conf" --print-config >"$dir/two.conf"
  cmp "$dir/one.conf" "$dir/two.conf"
  grep -q '"node3"' "$dir/two.conf"
}

@test "a configuration that is not there, or cannot be read, is one clear line" {
  run -1 --separate-stderr "$builddir/iusbd" -c "$dir/none.conf" --check-config
  [[ $stderr == *"none.conf"* ]]
  [ "$(wc -l <<<"$stderr")" = 1 ]
}

@test "a limit on file sizes is an error in words, and no end by a signal" {
  write_config
  run -1 --separate-stderr bash -c 'ulimit -f 4; exec "$@"' - "$builddir/iusbd" -c "$dir/iusbd.conf" \
    --socket "$socket" --state-dir "$dir/state" --foreground
  [[ $stderr == *"$dir/state"* ]]
}

@test "status is a table with a summary line; --no-legend has neither" {
  make_floppy dos.img
  start_sim
  start_iusbd
  ctl attach node1 dos.img
  run -0 ctl status
  [[ ${lines[0]} == TARGET*DEV*IMAGE*MODE*STATE*READ*WRITTEN*RATE*SINCE*REASON* ]]
  [[ ${lines[1]} == node1*fd*dos.img*ro*serving* ]]
  [[ ${lines[-1]} == *"1 slot"*serving* ]]
  run -0 ctl --no-legend status
  [ "${#lines[@]}" = 1 ]
  [[ ${lines[0]} == node1* ]]
}

@test "colour only where it was asked for" {
  make_floppy dos.img
  start_sim
  start_iusbd
  ctl attach node1 dos.img
  run -0 ctl status
  [[ $output != *$'\e'* ]]
  run -0 ctl --color=always status
  [[ $output == *$'\e['* ]]
}

@test "a target has its ports, labels and slots" {
  start_sim
  start_iusbd
  run -0 ctl --json targets
  [ "$(jq -r '.[0] | "\(.target) \(.address) \(.dialect) \(.transport) \(.ports | length)"' <<<"$output")" = "node1 127.0.0.1 legacy direct 3" ]
}
