# SPDX-License-Identifier: GPL-2.0-or-later
# The control socket, spoken by hand: Varlink's own methods, errors, streams, and clients that misbehave.
load lib

local_setup() {
  make_floppy dos.img
  start_sim
  start_iusbd
}

# call METHOD [PARAMETERS] [FLAGS]: one Varlink call, prints the replies, one a line.
call() {
  python3 - "$socket" "$@" <<'EOF'
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
m = {"method": sys.argv[2], "parameters": json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}}
flags = json.loads(sys.argv[4]) if len(sys.argv) > 4 else {}
m.update(flags)
s.sendall(json.dumps(m).encode() + b"\0")
buf = b""
while True:
    while b"\0" not in buf:
        d = s.recv(65536)
        if not d:
            sys.exit(0)
        buf += d
    text, buf = buf.split(b"\0", 1)
    print(text.decode(), flush=True)
    if not json.loads(text).get("continues"):
        break
EOF
}

@test "GetInfo and GetInterfaceDescription tell the truth" {
  run -0 call org.varlink.service.GetInfo
  [ "$(jq -r '.parameters.interfaces | join(" ")' <<<"$output")" = "org.varlink.service org.iusbd" ]
  run -0 call org.varlink.service.GetInterfaceDescription '{"interface": "org.iusbd"}'
  [[ "$(jq -r .parameters.description <<<"$output")" == *"method Attach("* ]]
}

@test "unknown methods, interfaces and parameters get Varlink's own errors" {
  run -0 call org.iusbd.Nonsense
  [ "$(jq -r .error <<<"$output")" = org.varlink.service.MethodNotFound ]
  run -0 call com.example.Nonsense
  [ "$(jq -r .error <<<"$output")" = org.varlink.service.InterfaceNotFound ]
  run -0 call org.iusbd.Show '{"slot": 7}'
  [ "$(jq -r '.error, .parameters.parameter' <<<"$output" | tr '\n' ' ')" = "org.varlink.service.InvalidParameter slot " ]
}

@test "an error of ours carries its parameters and a reason" {
  run -0 call org.iusbd.Attach '{"selectors": ["nobody"], "image": "dos.img"}'
  [ "$(jq -r '.error, .parameters.selector' <<<"$output" | tr '\n' ' ')" = "org.iusbd.NoSuchTarget nobody " ]
  [ -n "$(jq -r .parameters.reason <<<"$output")" ]
}

@test "with more, attach answers for each slot as it comes" {
  run -0 call org.iusbd.Attach '{"selectors": ["node1/fd", "node1/hd"], "image": "dos.img"}' '{"more": true}'
  [ "$(head -n 1 <<<"$output" | jq .continues)" = true ]
  [ "$(tail -n 1 <<<"$output" | jq -r '[.parameters.outcomes[].outcome] | join(" ")')" = "accepted accepted" ]
}

@test "a client that sends rubbish, too much, or half a message costs itself only" {
  run -0 python3 - "$socket" <<'EOF'
import socket, sys
def client(data):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(sys.argv[1])
    try:
        s.sendall(data)
        return s.recv(1)
    except (BrokenPipeError, ConnectionResetError):
        return b""
assert client(b"rubbish\0") == b""
assert client(b"[]\0") == b""
assert client(b'{"method": 5}\0') == b""
assert client(b"\xff\xfe\0") == b""
assert client(b"x" * (3 << 20)) == b""
half = socket.socket(socket.AF_UNIX)
half.connect(sys.argv[1])
half.sendall(b'{"method": "org.iusbd.Stat')
half.close()
EOF
  run -0 ctl version
  kill -0 "$iusbd_pid"
}

@test "many idle clients do not keep others out for ever, and calls sent together are answered in order" {
  run -0 python3 - "$socket" <<'EOF'
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(60)
s.connect(sys.argv[1])
v = json.dumps({"method": "org.iusbd.Version"}).encode() + b"\0"
i = json.dumps({"method": "org.varlink.service.GetInfo"}).encode() + b"\0"
one = json.dumps({"method": "org.iusbd.Version", "oneway": True}).encode() + b"\0"
s.sendall(v + one + i + v)
buf = b""
while buf.count(b"\0") < 3:
    buf += s.recv(65536)
replies = [json.loads(x)["parameters"] for x in buf.split(b"\0")[:3]]
assert "pid" in replies[0] and "interfaces" in replies[1] and "pid" in replies[2], replies
EOF
}

@test "who is neither root, nor the daemon's user, nor in a group is refused with exit status 8" {
  [ "$(id -u)" = 0 ] || skip "only root can become somebody else"
  chmod 755 "$dir"
  chmod 666 "$socket"
  run -8 --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups "$builddir/iusbctl" --socket "$socket" attach node1 dos.img
  [[ $stderr == *"uid 65534 may not use Attach"* ]]
  chmod 600 "$socket"
  run -8 --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups "$builddir/iusbctl" --socket "$socket" status
  [ "$(ctl --json status)" = "[]" ]
}

@test "status, show, targets, images, version: an array of objects each" {
  ctl attach node1 dos.img
  for verb in status "show node1/fd" targets images version; do
    run -0 ctl --json $verb
    [ "$(jq -r 'type, (.[0] | type)' <<<"$output" | tr '\n' ' ')" = "array object " ]
  done
}
