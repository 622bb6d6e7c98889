noinst_LIBRARIES += libbmc.a
libbmc_a_SOURCES = \
	%D%/asp_text.c %D%/asp_text.h \
	%D%/backoff.c %D%/backoff.h \
	%D%/channel.c %D%/channel.h %D%/channel_private.h \
	%D%/channel_io.c \
	%D%/clock.h \
	%D%/drive.c %D%/drive.h %D%/drive_private.h \
	%D%/drive_request.c \
	%D%/facts.c %D%/facts.h \
	%D%/failure.c %D%/failure.h \
	%D%/flush.c %D%/flush.h \
	%D%/http_head.c %D%/http_head.h \
	%D%/jnlp.c %D%/jnlp.h \
	%D%/plan.c %D%/plan.h \
	%D%/portal.c %D%/portal.h %D%/portal_private.h \
	%D%/portal_answer.c \
	%D%/portal_asp.c \
	%D%/portal_rest.c \
	%D%/portal_visit.c \
	%D%/portals.c \
	%D%/resolve.c %D%/resolve.h \
	%D%/scout.c %D%/scout.h %D%/scout_private.h \
	%D%/scout_door.c \
	%D%/scout_find.c \
	%D%/scout_ports.c \
	%D%/scout_report.c \
	%D%/scout_slot.c \
	%D%/scout_web.c \
	%D%/secret.c %D%/secret.h \
	%D%/session.c %D%/session.h %D%/session_private.h \
	%D%/session_fsm.c \
	%D%/session_greet.c \
	%D%/session_input.c \
	%D%/session_login.c \
	%D%/session_serve.c \
	%D%/span.c %D%/span.h \
	%D%/stream.c %D%/stream.h %D%/stream_private.h \
	%D%/stream_direct.c \
	%D%/stream_tunnel.c \
	%D%/stream_websocket.c \
	%D%/tcp_connect.c %D%/tcp_connect.h \
	%D%/tls.c %D%/tls.h \
	%D%/tls_explain.c \
	%D%/tunnel.c %D%/tunnel.h \
	%D%/webanswer.c %D%/webanswer.h \
	%D%/webclient.c %D%/webclient.h \
	%D%/webhead.c %D%/webhead.h \
	%D%/weblink.c %D%/weblink.h \
	%D%/webloop.c %D%/webloop.h \
	%D%/websocket.c %D%/websocket.h \
	%D%/websocket_handshake.c
