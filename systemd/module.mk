# Units, the user and groups, and the directory of the control socket.
EXTRA_DIST += %D%/iusbd.service.in
CLEANFILES += %D%/iusbd.service

if HAVE_SYSTEMD
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d
dist_systemdsystemunit_DATA = %D%/iusbd.socket
nodist_systemdsystemunit_DATA = %D%/iusbd.service
dist_sysusers_DATA = %D%/sysusers.d/iusbd.conf
dist_tmpfiles_DATA = %D%/tmpfiles.d/iusbd.conf
endif

%D%/iusbd.service: $(srcdir)/%D%/iusbd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) %D% && \
	$(SED) -e 's|@sbindir[@]|$(sbindir)|g' $(srcdir)/%D%/iusbd.service.in >$@.tmp && mv $@.tmp $@
