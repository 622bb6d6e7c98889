noinst_LIBRARIES += libdaemon.a
libdaemon_a_SOURCES = \
	%D%/board.c %D%/board.h \
	%D%/conf.c %D%/conf.h \
	%D%/conf_error.c %D%/conf_error.h \
	%D%/conf_image.c %D%/conf_image.h \
	%D%/conf_include.c %D%/conf_include.h \
	%D%/conf_print.c \
	%D%/conf_read.c %D%/conf_read.h \
	%D%/conf_schema.c %D%/conf_schema.h \
	%D%/conf_setting.c \
	%D%/conf_target.c \
	%D%/conf_text.c %D%/conf_text.h \
	%D%/conf_value.c %D%/conf_value.h \
	%D%/conf_way.c \
	%D%/background.c %D%/background.h \
	%D%/daemon.c %D%/daemon.h %D%/daemon_private.h \
	%D%/daemon_run.c \
	%D%/image_list.c %D%/image_list.h \
	%D%/listener.c %D%/listener.h \
	%D%/methods.c %D%/methods.h %D%/methods_private.h \
	%D%/methods_attach.c \
	%D%/methods_daemon.c \
	%D%/methods_images.c \
	%D%/methods_probe.c \
	%D%/methods_status.c \
	%D%/methods_swap.c \
	%D%/methods_wait.c %D%/methods_wait.h \
	%D%/notify.c %D%/notify.h \
	%D%/options.c %D%/options.h \
	%D%/params.c %D%/params.h \
	%D%/peer.c %D%/peer.h \
	%D%/probe_report.c %D%/probe_report.h \
	%D%/probe_stanza.c %D%/probe_stanza.h \
	%D%/registry.c %D%/registry.h %D%/registry_private.h \
	%D%/registry_apply.c \
	%D%/registry_attach.c \
	%D%/registry_slot.c \
	%D%/registry_swap.c \
	%D%/select.c %D%/select.h \
	%D%/state_dir.c %D%/state_dir.h \
	%D%/store.c %D%/store.h \
	%D%/varlink.c %D%/varlink.h %D%/varlink_private.h \
	%D%/varlink_client.c \
	%D%/varlink_service.c
nodist_libdaemon_a_SOURCES = %D%/methods_description.c

sbin_PROGRAMS += iusbd
iusbd_SOURCES = %D%/main.c
iusbd_LDADD = $(DAEMON_LIBS)

# The text of the interface, as a string in the program.
EXTRA_DIST += %D%/org.iusbd.varlink
BUILT_SOURCES += %D%/methods_description.c
CLEANFILES += %D%/methods_description.c
%D%/methods_description.c: $(srcdir)/%D%/org.iusbd.varlink $(srcdir)/%D%/module.mk
	$(AM_V_GEN)$(MKDIR_P) %D% && { \
	echo '/* Made from org.iusbd.varlink. */' && \
	echo '#include "daemon/methods_private.h"' && \
	echo 'const char methods_description[] =' && \
	$(SED) -e 's/[\\"]/\\&/g' -e 's/^/	"/' -e 's/$$/\\n"/' $(srcdir)/%D%/org.iusbd.varlink && \
	echo '	;'; } >$@.tmp && mv $@.tmp $@
