# Boot tests: real QEMU guests. Slow (minutes), so they are a target of their own.
BOOT_TESTS = %D%/boot.bats %D%/generations.bats
.PHONY: check-boot
check-boot: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(BOOT_TESTS)'

dist_check_SCRIPTS += %D%/fetch-kernel %D%/guest-init %D%/demo
EXTRA_DIST += $(BOOT_TESTS) %D%/machine.bash %D%/media.bash
