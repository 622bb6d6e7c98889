# The configuration is the administrator's: an existing one is never touched, an unchanged one goes with uninstall.
EXTRA_DIST += %D%/iusbd.conf
iusbdconfdir = $(sysconfdir)/iusbd

install-data-local: install-conf
uninstall-local: uninstall-conf
.PHONY: install-conf uninstall-conf

install-conf:
	$(MKDIR_P) '$(DESTDIR)$(iusbdconfdir)'
	test -e '$(DESTDIR)$(iusbdconfdir)/iusbd.conf' || \
		$(INSTALL_DATA) $(srcdir)/conf/iusbd.conf '$(DESTDIR)$(iusbdconfdir)/iusbd.conf'

uninstall-conf:
	if cmp -s $(srcdir)/conf/iusbd.conf '$(DESTDIR)$(iusbdconfdir)/iusbd.conf'; then \
		rm -f '$(DESTDIR)$(iusbdconfdir)/iusbd.conf'; fi
	-rmdir '$(DESTDIR)$(iusbdconfdir)' 2>/dev/null || :
