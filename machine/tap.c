/* SPDX-License-Identifier: MIT */
#include "machine/tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "machine/base/log.h"
#include "machine/base/own.h"

_Static_assert((int)TAP_NAME_MAX == (int)IFNAMSIZ, "TAP_NAME_MAX");

/* As the kernel has it (dev_valid_name()), less '%', which would ask it to number the name. */
static bool name_ok(const char *s)
{
	size_t len = strlen(s);

	if (!len || len >= TAP_NAME_MAX || strpbrk(s, "/:% \t\n\v\f\r"))
		return false;
	return strcmp(s, ".") != 0 && strcmp(s, "..") != 0;
}

static int refused(int err, const char *ifname)
{
	switch (err) {
	case -EPERM:
		return log_refuse(
			err,
			"--network: tap '%s': not permitted; it takes CAP_NET_ADMIN, or a tap made "
			"for this user before (ip tuntap add)",
			ifname);
	case -EBUSY:
		return log_refuse(err, "--network: tap '%s' is in use already", ifname);
	case -EINVAL:
		return log_refuse(err,
		                  "--network: '%s' is a network interface, but no tap of one queue",
		                  ifname);
	default:
		return log_errno(err, "--network: set up tap '%s'", ifname);
	}
}

/* The flags are those of Linux's own drivers/net/tun.c users: Documentation/networking/tuntap.rst. */
static int attach(int fd, struct ifreq *r)
{
	int hdr = sizeof(struct virtio_net_hdr_mrg_rxbuf);

	r->ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	if (ioctl(fd, TUNSETIFF, r) < 0 || ioctl(fd, TUNSETVNETHDRSZ, &hdr) < 0)
		return -errno;
	return 0;
}

static bool set_offload(int fd, unsigned int flags)
{
	return ioctl(fd, TUNSETOFFLOAD, (unsigned long)flags) == 0;
}

int tap_open(const char *ifname, int *fd, char *name, bool *offload)
{
	static const char dev[] = "/dev/net/tun";
	struct ifreq r = { 0 };
	auto_fd f = -1;
	int err;

	if (ifname && !name_ok(ifname))
		return log_refuse(-EINVAL, "'%s' cannot be the name of a tap", ifname);
	f = open(dev, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (f < 0)
		return log_errno(-errno, "open %s for tap '%s'", dev, ifname ? ifname : "tapN");

	(void)stpcpy(r.ifr_name, ifname ? ifname : "tap%d");
	err = attach(f, &r);
	if (err < 0)
		return refused(err, ifname ? ifname : "tapN");

	*offload = set_offload(f, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6);
	memcpy(name, r.ifr_name, TAP_NAME_MAX);
	*fd = take_fd(&f);
	return 0;
}

int tap_set_address(const char *name, const char *ip)
{
	auto_fd s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct ifreq r = { 0 };

	if (s < 0)
		return log_errno(-errno, "socket for tap '%s'", name);
	if (inet_pton(AF_INET, ip, &a.sin_addr) != 1)
		return log_refuse(-EINVAL, "tap '%s': '%s' is no IPv4 address", name, ip);

	(void)strncpy(r.ifr_name, name, TAP_NAME_MAX - 1);
	memcpy(&r.ifr_addr, &a, sizeof(a));
	if (ioctl(s, SIOCSIFADDR, &r) < 0)
		return log_errno(-errno, "give address %s to tap '%s'", ip, name);
	if (ioctl(s, SIOCGIFFLAGS, &r) < 0)
		return log_errno(-errno, "read the state of tap '%s'", name);
	r.ifr_flags |= IFF_UP | IFF_RUNNING;
	if (ioctl(s, SIOCSIFFLAGS, &r) < 0)
		return log_errno(-errno, "bring up tap '%s'", name);
	return 0;
}

void tap_set_offload(int fd, bool csum, bool tso4, bool tso6)
{
	unsigned int flags = 0;

	if (csum)
		flags |= TUN_F_CSUM;
	if (csum && tso4)
		flags |= TUN_F_TSO4;
	if (csum && tso6)
		flags |= TUN_F_TSO6;
	/* It took all of them in tap_open(), so it takes fewer. */
	if (!set_offload(fd, flags))
		log_at(LOG_DEBUG, "TUNSETOFFLOAD %#x: %s", flags, strerrorname_np(errno));
}
