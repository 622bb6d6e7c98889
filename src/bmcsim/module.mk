noinst_LIBRARIES += libbmcsim.a
libbmcsim_a_SOURCES = \
	%D%/bmc.c %D%/bmc.h %D%/bmc_parts.h \
	%D%/bmc_ask.c \
	%D%/bmc_check.c %D%/bmc_check.h \
	%D%/bmc_fault.c %D%/bmc_fault.h \
	%D%/bmc_job.c \
	%D%/bmc_scsi.c %D%/bmc_scsi.h \
	%D%/bmc_session.c \
	%D%/bmc_timer.c \
	%D%/bmc_visitor.c \
	%D%/bmc_wire.c %D%/bmc_wire.h \
	%D%/chance.h \
	%D%/host.c %D%/host.h %D%/host_parts.h \
	%D%/host_change.c \
	%D%/host_media.c \
	%D%/host_script.c %D%/host_script.h \
	%D%/host_verbs.c \
	%D%/listing.c %D%/listing.h \
	%D%/options.c %D%/options.h \
	%D%/options_nodes.c \
	%D%/sim.c %D%/sim.h \
	%D%/values.c %D%/values.h

libbmcsim_a_SOURCES += \
	%D%/unix_listener.c %D%/unix_listener.h \
	%D%/usb_descriptors.c %D%/usb_descriptors.h \
	%D%/usb_storage.c %D%/usb_storage.h \
	%D%/usbredir.c %D%/usbredir.h \
	%D%/usbredir_guest.c %D%/usbredir_parts.h

bin_PROGRAMS += iusb-bmcsim
iusb_bmcsim_SOURCES = %D%/main.c
iusb_bmcsim_LDADD = $(BMCSIM_LIBS)
