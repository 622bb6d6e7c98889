# libiscsi's iscsi-test-cu judges the drives of src/scsi. Takes half a minute or more, so it is a target of its own.
ISCSI_TESTS = %D%/iscsi.sh
.PHONY: check-iscsi
check-iscsi: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(ISCSI_TESTS)'

check_PROGRAMS += tests/iscsi/front
tests_iscsi_front_SOURCES = %D%/front.c %D%/connection.c %D%/connection.h %D%/login.c %D%/lun.c %D%/lun.h %D%/pdu.h %D%/task.c
tests_iscsi_front_LDADD = $(SCSI_LIBS) $(LIBEVENT_LIBS)

dist_check_SCRIPTS += $(ISCSI_TESTS)
EXTRA_DIST += %D%/not-applicable
