noinst_LIBRARIES += libbmc.a
libbmc_a_SOURCES = \
	%D%/backoff.c %D%/backoff.h \
	%D%/clock.h \
	%D%/drive.c %D%/drive.h %D%/drive_private.h \
	%D%/drive_request.c \
	%D%/failure.c %D%/failure.h \
	%D%/flush.c %D%/flush.h \
	%D%/resolve.c %D%/resolve.h \
	%D%/session.c %D%/session.h %D%/session_private.h \
	%D%/session_fsm.c \
	%D%/session_serve.c \
	%D%/span.c %D%/span.h \
	%D%/stream.c %D%/stream.h
