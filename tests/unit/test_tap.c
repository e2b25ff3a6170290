/* SPDX-License-Identifier: MIT */
#include "tests/unit/caught.h"
#include "tests/unit/scratch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "machine/base/compiler.h"
#include "machine/base/log.h"
#include "machine/tap.h"

struct rig {
	struct caught c;
	int fd;
	char name[TAP_NAME_MAX];
	bool offload;
};

/* Return: what tap_open() did; r->c.text has the lines it wrote, of which @lines are allowed. */
static int open_tap(struct rig *r, const char *ifname, u32 lines)
{
	int err;
	size_t n;

	caught_begin(&r->c);
	r->fd = -1;
	err = tap_open(ifname, &r->fd, r->name, &r->offload);
	n = caught_end(&r->c);
	if (n != lines)
		fail_msg("'%s': %d: %u lines: %s", ifname, err, n, r->c.text);
	return err;
}

static int set_address(struct rig *r, const char *name, const char *ip, u32 lines)
{
	int err;
	size_t n;

	caught_begin(&r->c);
	err = tap_set_address(name, ip);
	n = caught_end(&r->c);
	if (n != lines)
		fail_msg("'%s': %d: %u lines: %s", ip, err, n, r->c.text);
	return err;
}

/* In a network of the test's own, so that nothing of the host's is touched. */
static bool network(void)
{
	if (unshare(CLONE_NEWNET) == 0 && access("/dev/net/tun", R_OK | W_OK) == 0)
		return true;
	print_message("# no permission to make a tap\n");
	return false;
}

static void a_name_that_cannot_be_is_refused(void **state)
{
	static const char *const rows[] = {
		"", "0123456789abcdef", "a/b", "a b", "tap%d", "%", "a:b", ".", "..", "a\tb", "a\nb"
	};
	struct rig r;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		caught_begin(&r.c);
		r.fd = -1;
		if (tap_open(rows[i], &r.fd, r.name, &r.offload) != -EINVAL || r.fd != -1)
			fail_msg("'%s' was taken", rows[i]);
		assert_true(caught_end(&r.c) >= 1);
		/* The log shows a control character as '?'. */
		assert_non_null(strstr(r.c.text, strpbrk(rows[i], "\t\n") ? "a?b" : rows[i]));
	}
}

static void a_tap_is_as_the_device_needs_it(void **state)
{
	struct rig r;
	struct ifreq ifr = { 0 };
	int hdr = 0;

	if (!network())
		skip_because(NO_TAP);
	assert_int_equal(open_tap(&r, "fifteen-letters", 0), 0);
	assert_string_equal(r.name, "fifteen-letters");
	assert_true(r.offload);
	assert_int_equal(ioctl(r.fd, TUNGETIFF, &ifr), 0);
	assert_int_equal(ifr.ifr_flags & (IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_PERSIST),
	                 IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	assert_int_equal(ioctl(r.fd, TUNGETVNETHDRSZ, &hdr), 0);
	assert_int_equal(hdr, 12);
	assert_true(fcntl(r.fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(fcntl(r.fd, F_GETFD), FD_CLOEXEC);

	log_set_level(LOG_DEBUG);
	caught_begin(&r.c);
	for (u32 i = 0; i < 8; i++)
		tap_set_offload(r.fd, i & 1, i & 2, i & 4);
	assert_int_equal(caught_end(&r.c), 0);
	log_set_level(LOG_WARN);

	/* Nothing is left behind. */
	assert_int_not_equal(if_nametoindex("fifteen-letters"), 0);
	(void)close(r.fd);
	assert_int_equal(if_nametoindex("fifteen-letters"), 0);
}

static void without_a_name_the_kernel_picks_one(void **state)
{
	struct rig r, s;

	if (!network())
		skip_because(NO_TAP);
	assert_int_equal(open_tap(&r, NULL, 0), 0);
	assert_string_equal(r.name, "tap0");
	assert_int_equal(open_tap(&s, NULL, 0), 0);
	assert_string_equal(s.name, "tap1");
	(void)close(r.fd);
	(void)close(s.fd);
}

static void an_interface_that_is_taken_or_no_tap_is_refused(void **state)
{
	struct rig r, s;

	if (!network())
		skip_because(NO_TAP);
	assert_int_equal(open_tap(&r, "net0", 0), 0);
	assert_int_equal(open_tap(&s, "net0", 1), -EBUSY);
	assert_non_null(strstr(s.c.text, "'net0' is in use"));
	(void)close(r.fd);
	assert_int_equal(open_tap(&r, "net0", 0), 0);
	(void)close(r.fd);

	assert_int_equal(open_tap(&r, "lo", 1), -EINVAL);
	assert_non_null(strstr(r.c.text, "'lo'"));
	assert_int_equal(r.fd, -1);
}

static void *without_rights(void *arg)
{
	cap_t none = cap_init();
	int err = cap_set_proc(none); /* this thread's only */

	(void)cap_free(none);
	return err == 0 && open_tap(arg, "net0", 1) == -EPERM ? arg : NULL;
}

static void without_the_right_the_line_says_which_it_takes(void **state)
{
	struct rig r;
	pthread_t id;
	void *ok;

	if (!network())
		skip_because(NO_TAP);
	assert_int_equal(pthread_create(&id, NULL, without_rights, &r), 0);
	assert_int_equal(pthread_join(id, &ok), 0);
	assert_non_null(ok);
	assert_non_null(strstr(r.c.text, "'net0'"));
	assert_non_null(strstr(r.c.text, "CAP_NET_ADMIN"));
}

static void the_hosts_end_gets_its_address_and_comes_up(void **state)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in a;
	struct ifreq ifr = { 0 };
	struct rig r;

	(void)close(s);
	if (!network())
		skip_because(NO_TAP);
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0); /* of that network */
	assert_int_equal(open_tap(&r, "net0", 0), 0);
	assert_int_equal(set_address(&r, r.name, "192.0.2.17", 0), 0);
	(void)stpcpy(ifr.ifr_name, "net0");
	assert_int_equal(ioctl(s, SIOCGIFADDR, &ifr), 0);
	memcpy(&a, &ifr.ifr_addr, sizeof(a));
	assert_int_equal(ntohl(a.sin_addr.s_addr), 0xc0000211);
	assert_int_equal(ioctl(s, SIOCGIFFLAGS, &ifr), 0);
	assert_true(ifr.ifr_flags & IFF_UP);
	(void)close(r.fd);
	(void)close(s);
}

static void an_address_that_is_none_is_refused(void **state)
{
	static const char *const rows[] = {
		"",     "192.0.2",   "192.0.2.256", "192.0.2.1/24", "2001:db8::1",
		"host", "1.2.3.4.5", "1.2.3.4 "
	};
	struct rig r;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (set_address(&r, "net0", rows[i], 1) != -EINVAL)
			fail_msg("'%s' was taken", rows[i]);
		assert_true(strstr(r.c.text, "net0") && strstr(r.c.text, rows[i]));
	}
	assert_true(set_address(&r, "no-such-tap", "192.0.2.1", 1) < 0);
	assert_non_null(strstr(r.c.text, "no-such-tap"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_that_cannot_be_is_refused),
		cmocka_unit_test(a_tap_is_as_the_device_needs_it),
		cmocka_unit_test(without_a_name_the_kernel_picks_one),
		cmocka_unit_test(an_interface_that_is_taken_or_no_tap_is_refused),
		cmocka_unit_test(without_the_right_the_line_says_which_it_takes),
		cmocka_unit_test(the_hosts_end_gets_its_address_and_comes_up),
		cmocka_unit_test(an_address_that_is_none_is_refused),
	};

	return cmocka_run_group_tests_name("tap", tests, NULL, NULL);
}
