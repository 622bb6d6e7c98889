noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	%D%/bytes.h %D%/compiler.h \
	%D%/hostlist.c %D%/hostlist.h \
	%D%/human.c %D%/human.h \
	%D%/log.c %D%/log.h \
	%D%/memory.c %D%/memory.h \
	%D%/nearest.c %D%/nearest.h \
	%D%/reason.c %D%/reason.h \
	%D%/slot.c %D%/slot.h \
	%D%/strlist.c %D%/strlist.h
