# Unit tests: check_NAME.c holds src/*/NAME.c to its header. Each is TAP on standard output.
UNIT_TESTS = \
	tests/check_base \
	tests/check_hostlist \
	tests/check_packet \
	tests/check_auth \
	tests/check_control \
	tests/check_scsi \
	tests/check_scsi_hosts \
	tests/check_scsi_model \
	tests/check_image \
	tests/check_pool \
	tests/check_probe \
	tests/check_backoff \
	tests/check_facts \
	tests/check_stream \
	tests/check_tls \
	tests/check_tunnel \
	tests/check_websocket \
	tests/check_drive \
	tests/check_plan \
	tests/check_scout \
	tests/check_jnlp \
	tests/check_portal \
	tests/check_session \
	tests/check_session_slow \
	tests/check_session_login \
	tests/check_session_auth \
	tests/check_swap \
	tests/check_conf \
	tests/check_select \
	tests/check_store \
	tests/check_registry \
	tests/check_registry_swap \
	tests/check_varlink \
	tests/check_methods \
	tests/check_methods_probe \
	tests/check_daemon \
	tests/check_command \
	tests/check_client \
	tests/check_ctl \
	tests/check_verb_probe \
	tests/check_bmcsim \
	tests/check_bmcsim_auth \
	tests/check_host \
	tests/check_sim \
	tests/check_usbredir \
	tests/check_link \
	tests/check_web

TAP_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
TEST_EXTENSIONS = .bats .sh
LOG_DRIVER = $(TAP_DRIVER)
SH_LOG_DRIVER = $(TAP_DRIVER)
BATS_LOG_DRIVER = $(TAP_DRIVER)
BATS_LOG_COMPILER = $(BATS) --tap
AM_TESTS_ENVIRONMENT = srcdir='$(srcdir)'; export srcdir; builddir='$(abs_builddir)'; export builddir;

if HAVE_CHECK
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
endif

tests_check_base_SOURCES = %D%/check_base.c %D%/unit.h
tests_check_base_LDADD = $(BASE_LIBS) $(CHECK_LIBS)
tests_check_hostlist_SOURCES = %D%/check_hostlist.c %D%/unit.h
tests_check_hostlist_LDADD = $(BASE_LIBS) $(CHECK_LIBS)
tests_check_packet_SOURCES = %D%/check_packet.c %D%/unit.h
tests_check_packet_LDADD = $(IUSB_LIBS) $(CHECK_LIBS)
tests_check_auth_SOURCES = %D%/check_auth.c %D%/unit.h
tests_check_auth_LDADD = $(IUSB_LIBS) $(CHECK_LIBS)
tests_check_control_SOURCES = %D%/check_control.c %D%/unit.h
tests_check_control_LDADD = $(IUSB_LIBS) $(CHECK_LIBS)
tests_check_scsi_SOURCES = %D%/check_scsi.c %D%/scsi_ask.h %D%/scsi_rows.h %D%/scsi_rules.h %D%/unit.h
tests_check_scsi_LDADD = $(SCSI_LIBS) $(CHECK_LIBS)
tests_check_scsi_hosts_SOURCES = %D%/check_scsi_hosts.c %D%/scsi_ask.h %D%/scsi_rules.h %D%/unit.h
tests_check_scsi_hosts_LDADD = $(SCSI_LIBS) $(CHECK_LIBS)
tests_check_scsi_model_SOURCES = %D%/check_scsi_model.c %D%/scsi_front.c %D%/scsi_front.h %D%/scsi_model.c %D%/scsi_model.h %D%/unit.h
tests_check_scsi_model_LDADD = $(BMC_LIBS) $(CHECK_LIBS)
tests_check_image_SOURCES = %D%/check_image.c %D%/unit.h
tests_check_image_LDADD = $(IMAGE_LIBS) $(CHECK_LIBS)
tests_check_pool_SOURCES = %D%/check_pool.c %D%/unit.h
tests_check_pool_LDADD = $(IMAGE_LIBS) $(CHECK_LIBS)
tests_check_probe_SOURCES = %D%/check_probe.c %D%/unit.h
tests_check_probe_LDADD = $(IMAGE_LIBS) $(CHECK_LIBS)
tests_check_backoff_SOURCES = %D%/check_backoff.c %D%/unit.h
tests_check_backoff_LDADD = $(BMC_LIBS) $(CHECK_LIBS)
tests_check_stream_SOURCES = %D%/check_stream.c %D%/loop.h %D%/stream_world.h %D%/unit.h
tests_check_stream_LDADD = $(BMC_LIBS) $(CHECK_LIBS)
tests_check_tls_SOURCES = %D%/check_tls.c %D%/loop.h %D%/stream_world.h %D%/tls_certs.h %D%/unit.h
tests_check_tls_LDADD = $(BMC_LIBS) $(CHECK_LIBS)
tests_check_tunnel_SOURCES = %D%/check_tunnel.c %D%/loop.h %D%/stream_world.h %D%/tls_certs.h %D%/unit.h
tests_check_tunnel_LDADD = $(BMC_LIBS) $(CHECK_LIBS)
tests_check_websocket_SOURCES = %D%/check_websocket.c %D%/loop.h %D%/stream_world.h %D%/tls_certs.h %D%/unit.h
tests_check_websocket_LDADD = $(BMC_LIBS) $(CHECK_LIBS)
tests_check_facts_SOURCES = %D%/check_facts.c %D%/unit.h
tests_check_facts_LDADD = $(BMC_LIBS) $(CHECK_LIBS)
tests_check_plan_SOURCES = %D%/check_plan.c %D%/fake_portal.c %D%/fake_portal.h %D%/unit.h
tests_check_plan_LDADD = $(BMC_LIBS) $(CHECK_LIBS)
tests_check_scout_SOURCES = %D%/check_scout.c %D%/cases.h %D%/fake_portal.c %D%/fake_portal.h %D%/fake_web.h %D%/loop.h %D%/tls_certs.h %D%/unit.h
tests_check_scout_LDADD = $(BMC_LIBS) $(CHECK_LIBS)
tests_check_jnlp_SOURCES = %D%/check_jnlp.c %D%/unit.h
tests_check_jnlp_LDADD = $(BMC_LIBS) $(CHECK_LIBS)
tests_check_portal_SOURCES = %D%/check_portal.c %D%/fake_web.h %D%/loop.h %D%/tls_certs.h %D%/unit.h
tests_check_portal_LDADD = $(BMC_LIBS) $(CHECK_LIBS)
tests_check_drive_SOURCES = %D%/check_drive.c %D%/disk_commands.h %D%/fake_image.h %D%/loop.h %D%/unit.h
tests_check_drive_LDADD = $(BMC_LIBS) $(CHECK_LIBS)
tests_check_session_SOURCES = %D%/check_session.c %D%/disk_commands.h %D%/fake_bmc.h %D%/loop.h %D%/session_fixture.h %D%/unit.h
tests_check_session_LDADD = $(BMC_LIBS) $(CHECK_LIBS)
tests_check_session_slow_SOURCES = %D%/check_session_slow.c %D%/disk_commands.h %D%/fake_bmc.h %D%/fake_image.h %D%/loop.h %D%/session_fixture.h %D%/unit.h
tests_check_session_slow_LDADD = $(BMC_LIBS) $(CHECK_LIBS)
tests_check_session_login_SOURCES = %D%/check_session_login.c %D%/tls_certs.h %D%/fake_bmc.h %D%/fake_image.h %D%/fake_portal.c %D%/fake_portal.h %D%/loop.h %D%/portal_world.h %D%/unit.h
tests_check_session_login_LDADD = $(BMC_LIBS) $(CHECK_LIBS)
tests_check_session_auth_SOURCES = %D%/check_session_auth.c %D%/fake_bmc.h %D%/fake_image.h %D%/fake_portal.c %D%/fake_portal.h %D%/loop.h %D%/portal_world.h %D%/unit.h
tests_check_session_auth_LDADD = $(BMC_LIBS) $(CHECK_LIBS)
tests_check_swap_SOURCES = %D%/check_swap.c %D%/disk_commands.h %D%/fake_bmc.h %D%/fake_image.h %D%/loop.h %D%/session_fixture.h %D%/unit.h
tests_check_swap_LDADD = $(BMC_LIBS) $(CHECK_LIBS)
tests_check_conf_SOURCES = %D%/check_conf.c %D%/unit.h
tests_check_conf_LDADD = $(DAEMON_LIBS) $(CHECK_LIBS)
tests_check_select_SOURCES = %D%/check_select.c %D%/unit.h
tests_check_select_LDADD = $(DAEMON_LIBS) $(CHECK_LIBS)
tests_check_store_SOURCES = %D%/check_store.c %D%/unit.h
tests_check_store_LDADD = $(DAEMON_LIBS) $(CHECK_LIBS)
tests_check_registry_SOURCES = %D%/check_registry.c %D%/daemon_world.h %D%/loop.h %D%/media_ports.h %D%/unit.h
tests_check_registry_LDADD = $(DAEMON_LIBS) $(CHECK_LIBS)
tests_check_registry_swap_SOURCES = %D%/check_registry_swap.c %D%/daemon_world.h %D%/loop.h %D%/media_ports.h %D%/unit.h
tests_check_registry_swap_LDADD = $(DAEMON_LIBS) $(CHECK_LIBS)
tests_check_varlink_SOURCES = %D%/check_varlink.c %D%/loop.h %D%/unit.h %D%/varlink_client.h
tests_check_varlink_LDADD = $(DAEMON_LIBS) $(CHECK_LIBS)
tests_check_methods_SOURCES = %D%/check_methods.c %D%/daemon_world.h %D%/loop.h %D%/media_ports.h %D%/methods_fixture.h %D%/unit.h %D%/varlink_client.h
tests_check_methods_LDADD = $(DAEMON_LIBS) $(CHECK_LIBS)
tests_check_methods_probe_SOURCES = %D%/check_methods_probe.c %D%/cases.h %D%/daemon_world.h %D%/loop.h %D%/media_ports.h %D%/methods_fixture.h %D%/unit.h %D%/varlink_client.h
tests_check_methods_probe_LDADD = $(DAEMON_LIBS) $(CHECK_LIBS)
tests_check_daemon_SOURCES = %D%/check_daemon.c %D%/unit.h
tests_check_daemon_LDADD = $(DAEMON_LIBS) $(CHECK_LIBS)
tests_check_command_SOURCES = %D%/check_command.c %D%/cases.h %D%/fake_daemon.h %D%/run_ctl.h %D%/unit.h
tests_check_command_LDADD = $(CTL_LIBS) $(CHECK_LIBS)
tests_check_client_SOURCES = %D%/check_client.c %D%/cases.h %D%/fake_daemon.h %D%/unit.h
tests_check_client_LDADD = $(CTL_LIBS) $(CHECK_LIBS)
tests_check_ctl_SOURCES = %D%/check_ctl.c %D%/cases.h %D%/fake_daemon.h %D%/run_ctl.h %D%/unit.h
tests_check_ctl_LDADD = $(CTL_LIBS) $(CHECK_LIBS)
tests_check_verb_probe_SOURCES = %D%/check_verb_probe.c %D%/cases.h %D%/fake_daemon.h %D%/run_ctl.h %D%/unit.h
tests_check_verb_probe_LDADD = $(CTL_LIBS) $(CHECK_LIBS)
tests_check_bmcsim_SOURCES = %D%/check_bmcsim.c %D%/fake_client.c %D%/fake_client.h %D%/loop.h %D%/unit.h %D%/vector.h
tests_check_bmcsim_LDADD = $(BMCSIM_LIBS) $(CHECK_LIBS)
tests_check_bmcsim_auth_SOURCES = %D%/check_bmcsim_auth.c %D%/fake_client.c %D%/fake_client.h %D%/loop.h %D%/unit.h
tests_check_bmcsim_auth_LDADD = $(BMCSIM_LIBS) $(CHECK_LIBS)
tests_check_host_SOURCES = %D%/check_host.c %D%/fake_client.c %D%/fake_client.h %D%/loop.h %D%/unit.h
tests_check_host_LDADD = $(BMCSIM_LIBS) $(CHECK_LIBS)
tests_check_sim_SOURCES = %D%/check_sim.c %D%/fake_client.c %D%/fake_client.h %D%/loop.h %D%/unit.h
tests_check_sim_LDADD = $(BMCSIM_LIBS) $(CHECK_LIBS)
tests_check_usbredir_SOURCES = %D%/check_usbredir.c %D%/unit.h
tests_check_usbredir_LDADD = $(BMCSIM_LIBS) $(CHECK_LIBS)
tests_check_link_SOURCES = %D%/check_link.c %D%/loop.h %D%/unit.h
tests_check_link_LDADD = $(BMCSIM_LIBS) $(CHECK_LIBS)
tests_check_web_SOURCES = %D%/check_web.c %D%/loop.h %D%/unit.h
tests_check_web_LDADD = $(BMCSIM_LIBS) $(CHECK_LIBS)

# The corpus of a fuzz target, once more and without a fuzzer.
REPLAY_TESTS = tests/replay_scsi tests/replay_tunnel tests/replay_websocket tests/replay_jnlp tests/replay_portal
check_PROGRAMS += $(REPLAY_TESTS)
TESTS += $(REPLAY_TESTS)
tests_replay_scsi_SOURCES = %D%/fuzz/replay.c %D%/fuzz/fuzz_scsi.c %D%/scsi_rules.h
tests_replay_scsi_LDADD = libscsi.a $(IUSB_LIBS)
tests_replay_tunnel_SOURCES = %D%/fuzz/replay.c %D%/fuzz/fuzz_tunnel.c
tests_replay_tunnel_LDADD = $(BMC_LIBS)
tests_replay_websocket_SOURCES = %D%/fuzz/replay.c %D%/fuzz/fuzz_websocket.c
tests_replay_websocket_LDADD = $(BMC_LIBS)
tests_replay_jnlp_SOURCES = %D%/fuzz/replay.c %D%/fuzz/fuzz_jnlp.c
tests_replay_jnlp_LDADD = $(BMC_LIBS)
tests_replay_portal_SOURCES = %D%/fuzz/replay.c %D%/fuzz/fuzz_portal.c
tests_replay_portal_LDADD = $(BMC_LIBS)

# The layers of the design, and the checker itself.
dist_check_SCRIPTS += %D%/check-layers
TESTS += %D%/check-layers
EXTRA_DIST += %D%/vector.h %D%/vectors %D%/conf %D%/tally %D%/tally.bats %D%/variant %D%/layers.bats %D%/e2e %D%/boot %D%/fuzz/corpus

# A directory in EXTRA_DIST is taken from the build tree, too: what was made there is no part of the archive.
dist-hook:
	find '$(distdir)/tests' \( -name '*.o' -o -name '*.log' -o -name '*.trs' -o -name .dirstamp \) -exec rm -f {} +

# End-to-end tests: the real daemon, the real tool and the simulator.
E2E_TESTS = %D%/layers.bats %D%/tally.bats %D%/e2e/attach.bats %D%/e2e/cli.bats %D%/e2e/control.bats %D%/e2e/faults.bats \
	%D%/e2e/images.bats %D%/e2e/many.bats %D%/e2e/restart.bats %D%/e2e/serve.bats %D%/e2e/swap.bats
if HAVE_BATS
TESTS += $(E2E_TESTS)
endif

# All generations of firmware: logins, transports, TLS, probe; and what waits for seconds. As long as all others
# together, so they are a target of their own.
GENERATION_TESTS = %D%/e2e/acks.bats %D%/e2e/dialects.bats %D%/e2e/login.bats %D%/e2e/probe.bats %D%/e2e/silent.bats \
	%D%/e2e/tls.bats %D%/e2e/tokens.bats
.PHONY: check-generations
check-generations: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(GENERATION_TESTS)'

# Fuzz targets (./configure CC=clang --enable-fuzzers): one for each door that foreign bytes come in by.
fuzz_targets = tests/fuzz/fuzz_packet tests/fuzz/fuzz_scsi tests/fuzz/fuzz_probe tests/fuzz/fuzz_conf tests/fuzz/fuzz_varlink \
	tests/fuzz/fuzz_jnlp tests/fuzz/fuzz_portal \
	tests/fuzz/fuzz_tunnel tests/fuzz/fuzz_websocket
if FUZZERS
noinst_PROGRAMS += $(fuzz_targets)
endif
fuzz_link_flags = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_packet_SOURCES = %D%/fuzz/fuzz_packet.c
tests_fuzz_fuzz_packet_LDADD = $(IUSB_LIBS)
tests_fuzz_fuzz_packet_LDFLAGS = $(fuzz_link_flags)
tests_fuzz_fuzz_scsi_SOURCES = %D%/fuzz/fuzz_scsi.c %D%/scsi_rules.h
tests_fuzz_fuzz_scsi_LDADD = libscsi.a $(IUSB_LIBS)
tests_fuzz_fuzz_scsi_LDFLAGS = $(fuzz_link_flags)
tests_fuzz_fuzz_probe_SOURCES = %D%/fuzz/fuzz_probe.c
tests_fuzz_fuzz_probe_LDADD = $(IMAGE_LIBS)
tests_fuzz_fuzz_probe_LDFLAGS = $(fuzz_link_flags)
tests_fuzz_fuzz_conf_SOURCES = %D%/fuzz/fuzz_conf.c
tests_fuzz_fuzz_conf_LDADD = $(DAEMON_LIBS)
tests_fuzz_fuzz_conf_LDFLAGS = $(fuzz_link_flags)
tests_fuzz_fuzz_varlink_SOURCES = %D%/fuzz/fuzz_varlink.c
tests_fuzz_fuzz_varlink_LDADD = $(DAEMON_LIBS)
tests_fuzz_fuzz_varlink_LDFLAGS = $(fuzz_link_flags)
tests_fuzz_fuzz_tunnel_SOURCES = %D%/fuzz/fuzz_tunnel.c
tests_fuzz_fuzz_tunnel_LDADD = $(BMC_LIBS)
tests_fuzz_fuzz_tunnel_LDFLAGS = $(fuzz_link_flags)
tests_fuzz_fuzz_websocket_SOURCES = %D%/fuzz/fuzz_websocket.c
tests_fuzz_fuzz_websocket_LDADD = $(BMC_LIBS)
tests_fuzz_fuzz_websocket_LDFLAGS = $(fuzz_link_flags)
tests_fuzz_fuzz_jnlp_SOURCES = %D%/fuzz/fuzz_jnlp.c
tests_fuzz_fuzz_jnlp_LDADD = $(BMC_LIBS)
tests_fuzz_fuzz_jnlp_LDFLAGS = $(fuzz_link_flags)
tests_fuzz_fuzz_portal_SOURCES = %D%/fuzz/fuzz_portal.c
tests_fuzz_fuzz_portal_LDADD = $(BMC_LIBS)
tests_fuzz_fuzz_portal_LDFLAGS = $(fuzz_link_flags)

include tests/boot/module.mk
include tests/judges/module.mk
include tests/iscsi/module.mk

# The slower suites, each a target of its own. All of them leave .trs files that tests/tally adds up.
.PHONY: check-format check-install check-minimal check-clang check-asan check-valgrind check-fuzz \
	check-dist check-service run-valgrind run-fuzz

dist_check_SCRIPTS += %D%/format.sh %D%/install.sh %D%/fuzz.sh %D%/dist.sh %D%/service.sh %D%/service-inside

check-format:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='tests/format.sh'

check-install:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='tests/install.sh'

check-service:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='tests/service.sh'

check-dist:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='tests/dist.sh'

check-minimal:
	$(srcdir)/tests/variant minimal check --without-systemd --without-libnbd

check-clang:
	$(srcdir)/tests/variant clang check CC=clang

check-asan:
	$(srcdir)/tests/variant asan check --enable-sanitizers

check-valgrind:
	$(srcdir)/tests/variant valgrind run-valgrind

run-valgrind:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(UNIT_TESTS)' \
		LOG_COMPILER='valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite'

check-fuzz:
	$(srcdir)/tests/variant fuzz run-fuzz CC=clang --enable-fuzzers --enable-sanitizers

run-fuzz:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='tests/fuzz.sh'
