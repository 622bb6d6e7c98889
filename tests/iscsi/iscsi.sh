#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# iscsi: libiscsi's iscsi-test-cu judges our drives through the iSCSI front of this directory. TAP: one line for each of
# its tests and each drive. What does not apply to a drive is in `not-applicable`, with the reason; an entry there that is
# not needed any more is a failure, too, and so is a test that fails otherwise than it is said there.
set -u
shopt -s extglob nullglob
here=${srcdir:-.}/tests/iscsi
front=${builddir:-.}/tests/iscsi/front
limit=300 # seconds for a suite

if ! command -v iscsi-test-cu >/dev/null; then
  echo "1..0 # SKIP iscsi-test-cu is not installed (libiscsi-bin)"
  exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The front ends when its standard input does, that is with this script.
coproc FRONT { exec "$front" 2>"$work/front.err"; }
front_pid=$FRONT_PID
if ! read -r port <&"${FRONT[0]}"; then
  echo "Bail out! the front does not start: $(head -n 1 "$work/front.err")"
  exit 1
fi
exec {front_input}>&"${FRONT[1]}" {FRONT[1]}>&-

mapfile -t tests < <(iscsi-test-cu -l | sed -n 's/^ALL\.\([^.]*\.[^.]*\)$/\1/p')
mapfile -t suites < <(printf '%s\n' "${tests[@]%.*}" | uniq)

# ---- what is expected ----

entry_drives=() entry_tests=() entry_outcomes=() entry_texts=() entry_reasons=() entry_uses=()
while read -r drives pattern outcome reason; do
  [[ $drives == '' || $drives == '#'* ]] && continue
  text=
  if [[ $outcome == fail && $reason =~ ^\"([^\"]+)\"\ +(.*)$ ]]; then
    text=${BASH_REMATCH[1]} reason=${BASH_REMATCH[2]}
  fi
  entry_texts+=("$text")
  entry_drives+=("$drives") entry_tests+=("$pattern") entry_outcomes+=("$outcome") entry_reasons+=("$reason") entry_uses+=(0)
done <"$here/not-applicable"

# find_entry DRIVE TEST: $entry is the number of the first entry that names them, or -1.
find_entry() {
  for entry in "${!entry_tests[@]}"; do
    # shellcheck disable=SC2053
    [[ $2 == ${entry_tests[entry]} && (${entry_drives[entry]} == '*' || ,${entry_drives[entry]}, == *,$1,*) ]] && return
  done
  entry=-1
}

declare -A expected reason_of text_of
drives=(cd fd hd hd-ro hd-big)
for drive in "${drives[@]}"; do
  for test in "${tests[@]}"; do
    find_entry "$drive" "$test"
    expected[$drive/$test]=pass
    if [ "$entry" -ge 0 ]; then
      expected[$drive/$test]=${entry_outcomes[entry]}
      reason_of[$drive/$test]=${entry_reasons[entry]}
      text_of[$drive/$test]=${entry_texts[entry]}
      entry_uses[entry]=$((entry_uses[entry] + 1))
    fi
  done
done

# ---- the tests themselves ----

# judge DRIVE WHAT: runs the suite or the test. What iscsi-test-cu prints goes to $work/DRIVE/WHAT.
judge() {
  timeout "$limit" iscsi-test-cu --dataloss --verbose --test="ALL.$2" \
    "iscsi://127.0.0.1:$port/iqn.2024-01.org.iusbd:$1/0" >"$work/$1/$2" 2>&1 </dev/null
}

# judge_drives DRIVE...: each suite, or those tests of it that are to be run.
judge_drives() {
  local drive test suite
  for drive; do
    mkdir "$work/$drive"
    for suite in "${suites[@]}"; do
      local chosen=() all=0
      for test in "${tests[@]}"; do
        [[ ${test%.*} == "$suite" ]] || continue
        all=$((all + 1))
        [[ ${expected[$drive/$test]} == none ]] || chosen+=("$test")
      done
      if [ ${#chosen[@]} = $all ]; then
        judge "$drive" "$suite"
      else
        for test in "${chosen[@]}"; do
          judge "$drive" "$test"
        done
      fi
    done
  done
}

judge_drives hd &
first=$!
judge_drives cd fd hd-ro hd-big &
wait "$first" $!

# read_results DRIVE: lines "TEST OUTCOME", and before those of a test that fails "TEST says LINE" for each of its complaints:
# what it prints as [FAILED], or if it does not, its assertions. What a test prints stands between its name and "passed" or
# "FAILED", and its assertions come next; what comes after that is of the preparation of the next one.
read_results() {
  local file what
  for file in "$work/$1"/*; do
    what=${file##*/}
    awk -v suite="${what%.*}" '
      /^  Test: / { name = $2; is_skipped = asserts = complaints = 0; is_inside = 1 }
      asserts && sub(/^ *[0-9]+\. /, "") { print suite "." name, "says", $0; next }
      { asserts = 0 }
      !is_inside { next }
      { ends = match($0, /(passed|FAILED)( |$)/); says = ends ? substr($0, 1, RSTART - 1) : $0
        is_failed = ends && substr($0, RSTART, 6) == "FAILED" }
      index(says, "[SKIPPED]") { is_skipped = 1 }
      match(says, /\[FAILED\] /) { complaint[complaints++] = substr(says, RSTART + RLENGTH) }
      ends {
        if (is_failed) {
          print suite "." name, "fail"
          for (i = 0; i < complaints; i++)
            if (!(complaint[i] in said)) {
              said[complaint[i]]
              print suite "." name, "says", complaint[i]
            }
          delete said
          asserts = !complaints
        } else
          print suite "." name, is_skipped ? "skip" : "pass"
        is_inside = 0
      }' "$file"
  done
}

# ---- the verdicts ----

n=0
result() { # result ok|not TEXT
  n=$((n + 1))
  [ "$1" = ok ] && echo "ok $n - $2" || echo "not ok $n - $2"
}

# show DRIVE TEST: what it had to say.
show() {
  awk -v name="${2#*.}" '/^  Test: / || /^Run Summary/ { is_inside = $2 == name } is_inside' \
    "$work/$1/${2%.*}" "$work/$1/$2" 2>/dev/null |
    head -n 20 | cut -c 1-160 | sed 's/^/# /'
}

for drive in "${drives[@]}"; do
  declare -A outcome=() complaints=() others=()
  while read -r test what line; do
    if [ "$what" = says ]; then
      complaints[$test]=1
      text=${text_of[$drive/$test]-}
      [[ $text != '' && ! $line =~ $text ]] && others[$test]=$line
    else
      outcome[$test]=$what
    fi
  done < <(read_results "$drive")
  for test in "${tests[@]}"; do
    want=${expected[$drive/$test]} got=${outcome[$test]-no result}
    case $want/$got in
    none/*) ;;
    pass/pass) result ok "$drive: $test" ;;
    part/skip) result ok "$drive: $test (in part: ${reason_of[$drive/$test]})" ;;
    skip/skip) ;;
    fail/fail)
      if [ -z "${complaints[$test]-}" ]; then
        result not "$drive: $test fails without a word"
      elif [ -n "${others[$test]-}" ]; then
        result not "$drive: $test fails otherwise than expected: ${others[$test]}"
      fi
      ;;
    */pass) result not "$drive: $test passes, so it does not belong into not-applicable" ;;
    *)
      result not "$drive: $test: expected $want, got $got"
      show "$drive" "$test"
      ;;
    esac
  done
done

stale=
for entry in "${!entry_tests[@]}"; do
  case ${entry_outcomes[entry]} in
  skip | fail | part | none) [ "${entry_uses[entry]}" -gt 0 ] || stale+=" ${entry_tests[entry]}" ;;
  *) stale+=" ${entry_tests[entry]}(${entry_outcomes[entry]})" ;;
  esac
  [ -n "${entry_reasons[entry]}" ] || stale+=" ${entry_tests[entry]}(no reason)"
  [[ ${entry_outcomes[entry]} != fail || -n ${entry_texts[entry]} ]] || stale+=" ${entry_tests[entry]}(no text)"
done
[ -z "$stale" ] && result ok "every entry of not-applicable is used" || result not "entries of not-applicable are not used:$stale"

exec {front_input}>&-
wait "$front_pid"
status=$?
[ $status = 0 ] && result ok "the front ended cleanly" || result not "the front ended with status $status"
sed 's/^/# /' "$work/front.err"
echo "1..$n"
