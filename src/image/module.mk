noinst_LIBRARIES += libimage.a
libimage_a_SOURCES = \
	%D%/file.c %D%/file.h \
	%D%/image.c %D%/image.h \
	%D%/pool.c %D%/pool.h \
	%D%/probe.c %D%/probe.h \
	%D%/probe_fat.c \
	%D%/probe_optical.c \
	%D%/probe_partitions.c \
	%D%/probe_source.h
