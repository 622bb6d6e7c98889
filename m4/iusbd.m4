dnl SPDX-License-Identifier: GPL-2.0-or-later
dnl IUSBD_TAP_DRIVER: automake installs its TAP driver into build-aux.
AC_DEFUN([IUSBD_TAP_DRIVER], [AC_REQUIRE_AUX_FILE([tap-driver.sh])AC_PROG_AWK])

dnl IUSBD_CHECK_FUZZER: stop unless the compiler knows libFuzzer.
AC_DEFUN([IUSBD_CHECK_FUZZER], [
  AC_MSG_CHECKING([whether $CC knows -fsanitize=fuzzer])
  iusbd_save_CFLAGS=$CFLAGS
  CFLAGS="$CFLAGS -fsanitize=fuzzer-no-link"
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM()], [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([--enable-fuzzers needs clang: ./configure CC=clang --enable-fuzzers])])
  CFLAGS=$iusbd_save_CFLAGS
])
