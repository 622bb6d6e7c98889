noinst_LIBRARIES += libscsi.a
libscsi_a_SOURCES = \
	%D%/block.c \
	%D%/inquiry.c \
	%D%/medium.c \
	%D%/mmc.c \
	%D%/mode.c \
	%D%/ops.h \
	%D%/ops_cd.c \
	%D%/ops_disk.c \
	%D%/scsi.c %D%/scsi.h \
	%D%/sense.c
