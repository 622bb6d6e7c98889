noinst_LIBRARIES += libbmcsim.a
libbmcsim_a_SOURCES = \
	%D%/bmc.c %D%/bmc.h %D%/bmc_parts.h \
	%D%/bmc_ask.c \
	%D%/bmc_check.c %D%/bmc_check.h \
	%D%/bmc_control.c \
	%D%/bmc_door.c \
	%D%/bmc_event.c %D%/bmc_event.h \
	%D%/bmc_fault.c %D%/bmc_fault.h \
	%D%/bmc_gadget.c %D%/bmc_gadget.h \
	%D%/bmc_greeting.c \
	%D%/bmc_job.c \
	%D%/bmc_power.c \
	%D%/bmc_scsi.c %D%/bmc_scsi.h \
	%D%/bmc_service.c \
	%D%/bmc_session.c \
	%D%/bmc_timer.c \
	%D%/bmc_visitor.c \
	%D%/bmc_wire.c %D%/bmc_wire.h \
	%D%/chance.h \
	%D%/flags.c %D%/flags.h \
	%D%/host.c %D%/host.h %D%/host_parts.h \
	%D%/host_change.c \
	%D%/host_media.c \
	%D%/host_script.c %D%/host_script.h \
	%D%/host_verbs.c \
	%D%/listing.c %D%/listing.h \
	%D%/options.c %D%/options.h %D%/options_parts.h \
	%D%/options_dialect.c \
	%D%/options_media.c \
	%D%/options_nodes.c \
	%D%/options_web.c \
	%D%/profiles.c %D%/profiles.h \
	%D%/remote.c %D%/remote.h \
	%D%/sim.c %D%/sim.h %D%/sim_parts.h \
	%D%/sim_command.c \
	%D%/values.c %D%/values.h

libbmcsim_a_SOURCES += \
	%D%/unix_listener.c %D%/unix_listener.h \
	%D%/usb_descriptors.c %D%/usb_descriptors.h \
	%D%/usb_storage.c %D%/usb_storage.h \
	%D%/usbredir.c %D%/usbredir.h \
	%D%/usbredir_guest.c %D%/usbredir_parts.h

libbmcsim_a_SOURCES += \
	%D%/link.c %D%/link.h %D%/link_parts.h \
	%D%/link_tls.c \
	%D%/link_tunnel.c \
	%D%/link_ws.c \
	%D%/sim_tls.c %D%/sim_tls.h \
	%D%/tcp_listener.c %D%/tcp_listener.h \
	%D%/web.c %D%/web.h %D%/web_parts.h \
	%D%/web_asp.c \
	%D%/web_client.c \
	%D%/web_connection.c \
	%D%/web_digest.c \
	%D%/web_jnlp.c \
	%D%/web_page.c \
	%D%/web_request.c %D%/web_request.h \
	%D%/web_rest.c \
	%D%/web_session.c \
	%D%/web_upgrade.c

bin_PROGRAMS += iusb-bmcsim
iusb_bmcsim_SOURCES = %D%/main.c
iusb_bmcsim_LDADD = $(BMCSIM_LIBS)
