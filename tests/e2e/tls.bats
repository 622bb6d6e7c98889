# SPDX-License-Identifier: GPL-2.0-or-later
# TLS: which certificate is a good one, by pin and by CA, old versions, and ports that have none: what is refused, in
# which words, and what makes it work.
load fleet

# certificate NAME DAYS SUBJECT_ALT_NAME [CA]: key and certificate in NAME.pem, signed by CA.pem.
certificate() {
  local name=$1 days=$2 alt=$3 ca=${4:-ca}
  openssl ecparam -name prime256v1 -genkey -noout -out "$dir/$name.key"
  openssl req -new -key "$dir/$name.key" -subj "/CN=$name" -out "$dir/$name.csr"
  openssl x509 -req -in "$dir/$name.csr" -CA "$dir/$ca.pem" -CAkey "$dir/$ca.key" -CAcreateserial -days "$days" \
    -extfile <(echo "subjectAltName=$alt") -out "$dir/$name.crt"
  cat "$dir/$name.key" "$dir/$name.crt" >"$dir/$name.pem"
}

authority() { # authority NAME
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$dir/$1.key" -out "$dir/$1.pem" \
    -subj "/CN=$1" -days 30
}

fleet_setup() {
  {
    authority ca
    authority stranger
    certificate good 30 IP:127.0.0.1
    certificate other-name 30 IP:10.9.9.9,DNS:bmc.example
    certificate expired -1 IP:127.0.0.1
    certificate unknown 30 IP:127.0.0.1 stranger
  } 2>"$dir/openssl.txt"
  bmc pin --dialect rest
  bmc pin-media --dialect asp --token 0123456789abcdef --media-tls on
  bmc old --dialect asp --tls old --media-tls on
  bmc old-media --dialect asp --tls old --media-tls on --token 0123456789abcdef
  bmc plain --dialect asp --token 0123456789abcdef
  bmc plain-web --dialect asp
  bmc good --dialect rest --tls-pem "$dir/good.pem"
  bmc other-name --dialect rest --tls-pem "$dir/other-name.pem"
  bmc expired --dialect asp --tls-pem "$dir/expired.pem" --media-tls on --token 0123456789abcdef
  bmc unknown --dialect asp --tls-pem "$dir/unknown.pem"
  bmcs_are_ready
  for name in good other-name expired unknown; do
    sed -i 's/verify = "pin"/verify = "ca"/' "$dir/targets-$name.conf"
  done
  variant self-signed pin 's/verify = "pin"/verify = "ca"/'
  variant any pin 's/verify = "pin"/verify = "none"/'
  variant strict old 's/legacy = true;//'
  variant strict-media old-media 's/legacy = true;//'
  variant strict-ca old 's/legacy = true;//' 's/verify = "pin"/verify = "ca"/'
  variant wants-tls plain 's/mode = "off"/mode = "on"/'
  variant wants-https plain-web "s/web = [0-9]*/web = $(port plain-web web)/"
  variant wants-plain pin-media 's/mode = "on"/mode = "off"/'
  start_daemon "SSL_CERT_FILE=$dir/ca.pem"
}

# pinned TARGET WHAT: as the state database has it.
pinned() {
  sqlite3 "$dir/state/state.db" "SELECT value FROM fact WHERE target = '$1' AND name = 'pin.$2'"
}

@test "pin: the first certificate is kept, over a restart; another one is refused with both fingerprints" {
  local first second
  attached pin/cd m.img
  first=$(counted pin fingerprint)
  [ ${#first} = 64 ]
  [ "$(shown pin/cd fingerprint)" = "$first" ]
  [ "$(pinned pin web)" = "$first" ]
  [ "$(pinned pin media)" = "$first" ]
  ask pin renew-cert
  second=$(counted pin fingerprint)
  [ "$first" != "$second" ]
  # What is up stays up.
  shown_is pin/cd state serving
  refused pin/hd m.img certificate "certificate changed: pinned $first, got $second"
  stop iusbd
  start_daemon "SSL_CERT_FILE=$dir/ca.pem"
  wait_for shown_is pin/cd state backoff
  shown_is pin/cd reason "certificate changed: pinned $first, got $second"
  [ "$(pinned pin web)" = "$first" ]
  # An operator looks at it, and trusts it.
  run -0 ctl probe --trust pin
  [[ $output == *"$second"* ]]
  wait_for shown_is pin/cd state serving
  [ "$(pinned pin web)" = "$second" ]
  [ "$(pinned pin media)" = "$second" ]
  detached pin
  check_bmc pin
}

@test "pin: the media's certificate, where there is no web interface" {
  local first second
  attached pin-media/fd m.img
  first=$(counted pin-media fingerprint)
  [ "$(pinned pin-media media)" = "$first" ]
  [ -z "$(pinned pin-media web)" ]
  ask pin-media renew-cert
  second=$(counted pin-media fingerprint)
  ask pin-media reset fd
  wait_for shown_is pin-media/fd state backoff
  wait_for shown_is pin-media/fd reason "certificate changed: pinned $first, got $second"
  refused pin-media/cd m.img certificate "pinned $first, got $second"
  detached pin-media
}

@test "none: any certificate will do, the next one too" {
  attached any/cd m.img
  ask pin renew-cert
  ask pin reset cd
  wait_for shown_is any/cd sessions 2
  [ -z "$(pinned any web)" ]
  [ "$(shown any/cd fingerprint)" = "$(counted pin fingerprint)" ]
  detached any
}

@test "ca: signed for this address" {
  attached good/cd good/hd m.img
  shown_is good/cd tls TLSv1.3
  detached good
  check_bmc good
}

@test "ca: self-signed, of an unknown CA, for another name, expired" {
  refused self-signed/cd m.img certificate "certificate not trusted: self-signed"
  refused unknown/cd m.img certificate "certificate not trusted: its CA is not known here" "CN=stranger"
  refused other-name/cd m.img certificate "certificate is for other names than 127.0.0.1"
  refused expired/cd m.img certificate "certificate expired $(date -u -d yesterday +%F)"
  count_is other-name web.requests 0 # it has seen no password
}

@test "an old TLS is refused with advice, for the web and for the media" {
  refused strict/cd m.img tls "the BMC speaks only an old TLS" "set tls.legacy"
  refused strict-ca/cd m.img tls "set tls.legacy"
  refused strict-media/cd m.img tls "the BMC speaks only an old TLS" "set tls.legacy"
  count_is old web.requests 0
}

@test "an old TLS is spoken where tls.legacy says so" {
  attached old/cd old-media/hd m.img
  shown_is old/cd tls TLSv1
  shown_is old-media/hd tls TLSv1
  [ "$(shown old/cd fingerprint)" = "$(counted old fingerprint)" ]
  detached old old-media
  check_bmc old
}

@test "TLS is wanted and there is none: a port of the media, a web port" {
  refused wants-tls/cd m.img tls "no TLS on this port"
  refused wants-https/cd m.img tls "no TLS on this port"
}

@test "no TLS is wanted and there is one" {
  failing wants-plain/hd m.img lost "closed"
}
