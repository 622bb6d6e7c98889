# Judges: a Linux guest and its tools, and QEMU's own drives, look at ours. Slow (a minute), so they are a target of their own.
JUDGES_TESTS = %D%/judges.bats %D%/swap.bats
.PHONY: check-judges
check-judges: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(JUDGES_TESTS)'

check_PROGRAMS += %D%/ask
tests_judges_ask_SOURCES = %D%/ask.c
dist_check_SCRIPTS += %D%/compare %D%/guest-init
EXTRA_DIST += $(JUDGES_TESTS) %D%/judges.bash %D%/guest-judges %D%/guest-swap %D%/cdbs %D%/differences
