noinst_LIBRARIES += libctl.a
libctl_a_SOURCES = \
	%D%/client.c %D%/client.h \
	%D%/command.c %D%/command.h \
	%D%/command_parse.c \
	%D%/complete.c %D%/complete.h \
	%D%/ctl.c %D%/ctl.h \
	%D%/exitcode.c %D%/exitcode.h \
	%D%/field.h \
	%D%/help.c %D%/help.h \
	%D%/human.c %D%/human.h \
	%D%/human_detail.c \
	%D%/human_outcome.c \
	%D%/human_probe.c \
	%D%/human_table.c \
	%D%/interrupt.c %D%/interrupt.h \
	%D%/output.c %D%/output.h \
	%D%/output_json.c \
	%D%/progress.c %D%/progress.h \
	%D%/style.c %D%/style.h \
	%D%/table.c %D%/table.h \
	%D%/text.c %D%/text.h \
	%D%/verb.c %D%/verb.h \
	%D%/verb_attach.c \
	%D%/verb_daemon.c \
	%D%/verb_info.c \
	%D%/verb_probe.c \
	%D%/verb_status.c \
	%D%/verb_swap.c

bin_PROGRAMS += iusbctl
iusbctl_SOURCES = %D%/main.c
iusbctl_LDADD = $(CTL_LIBS)
