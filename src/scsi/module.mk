noinst_LIBRARIES += libscsi.a
libscsi_a_SOURCES = \
	%D%/block.c \
	%D%/capacity.c \
	%D%/configuration.c \
	%D%/disc.c \
	%D%/format.c \
	%D%/geometry.c \
	%D%/inquiry.c \
	%D%/medium.c \
	%D%/mmc.c \
	%D%/mode.c \
	%D%/mode_pages.c \
	%D%/ops.h \
	%D%/ops_cd.c \
	%D%/ops_disk.c \
	%D%/read_cd.c \
	%D%/scsi.c %D%/scsi.h \
	%D%/sense.c
