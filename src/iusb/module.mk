noinst_LIBRARIES += libiusb.a
libiusb_a_SOURCES = \
	%D%/auth.c %D%/auth.h \
	%D%/control.c %D%/control.h \
	%D%/dialect.c %D%/dialect.h \
	%D%/packet.c %D%/packet.h
