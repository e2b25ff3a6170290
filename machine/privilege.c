/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "machine/base/log.h"
#include "machine/privilege.h"

void privilege_note_inherited(struct privilege_inherited *in)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *e;

	in->nr = 0;
	if (!dir)
		return;
	while (in->nr < PRIVILEGE_INHERITED_MAX && (e = readdir(dir))) {
		char *end;
		long fd = strtol(e->d_name, &end, 10);

		if (*end == '\0' && end != e->d_name && fd > STDERR_FILENO && fd != dirfd(dir))
			in->fd[in->nr++] = (int)fd;
	}
	(void)closedir(dir);
}

/*
 * The bounding set as well, as far as we are allowed to: no_new_privs already
 * keeps execve() from raising anything, this keeps it out of sight too.
 */
static int drop_capabilities(void)
{
	cap_t none = cap_init();
	int err = 0;

	if (!none)
		return -errno;
	for (cap_value_t c = 0; cap_get_bound(c) >= 0; c++)
		(void)cap_drop_bound(c);
	(void)cap_reset_ambient();
	if (cap_set_proc(none) < 0)
		err = -errno;
	(void)cap_free(none);
	return err;
}

int privilege_drop(const struct privilege_inherited *in)
{
	int err = drop_capabilities();

	if (err < 0)
		return log_errno(err, "drop capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return log_errno(-errno, "set no_new_privs");
	for (unsigned int i = 0; i < in->nr; i++)
		(void)close(in->fd[i]);
	return 0;
}
