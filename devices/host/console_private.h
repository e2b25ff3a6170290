/* SPDX-License-Identifier: MIT */
#ifndef DEVICES_HOST_CONSOLE_PRIVATE_H
#define DEVICES_HOST_CONSOLE_PRIVATE_H

#include <stdatomic.h>

#include "devices/host/console.h"
#include "machine/base/lock.h"

/* What console.c (output, beginning and end) and console_input.c have in common. */

enum {
	READ_SIZE = 1024, /* bytes */
	KEPT_SIZE = 4 * 1024,
	ESC = 0x01, /* Ctrl-A */
};

/*
 * What a producer has to do for the loop to come. It changes under the lock
 * together with the fill, so no byte can slip in between the loop's last look
 * and its going to sleep.
 *
 *   ASLEEP --any byte: bell--> AWAKE     WAITING --BATCH bytes: bell--> AWAKE
 *
 * The way back, to ASLEEP or WAITING, is output_next()'s alone.
 */
enum mood {
	ASLEEP, /* the ring is empty */
	WAITING, /* for the timer, or for more */
	AWAKE, /* the loop is on its way, or a write is; leave it alone */
};

struct console {
	struct loop *loop;
	struct console_config cfg;
	const struct console_client_ops *client;
	void *client_ctx;
	struct loop_event bell;

	struct mutex lock;
	u8 *ring; /* written by producers, read by the kernel */
	u64 in GUARDED_BY(lock); /* bytes that ever came */
	u64 out GUARDED_BY(lock); /* bytes that ever left */
	size_t pos GUARDED_BY(lock); /* where in the ring the oldest byte is */
	enum mood mood GUARDED_BY(lock);
	bool starved GUARDED_BY(lock); /* console_write() took less, writable() is owed */
	bool dead GUARDED_BY(lock); /* output goes nowhere */

	/* Output, the loop's thread only. */
	struct loop_op out_op; /* write, or poll for room */
	struct loop_op idle_op;
	struct loop_op drain_op;
	bool out_busy, idle_busy, drain_busy, draining;
	bool closed; /* the loop takes no more */
	u64 seen; /* .in when the idle timer was set */
	u64 since; /* when the oldest byte was noticed, 0: none */
	u64 max_age_ns;
	u64 writes;

	/* Input, the loop's thread only but for in_waiting. */
	struct loop_op in_op; /* read, or a wait before it */
	bool in_busy, in_over, in_tty;
	bool raw_set; /* to the best of our knowledge */
	bool escaped; /* Ctrl-A was the last key */
	atomic_bool in_waiting; /* the client took less than it was offered */
	size_t kept_pos, kept_len;
	u8 kept[KEPT_SIZE]; /* for the client; ESC 'b' is a break, ESC ESC is one ESC */
	u8 buf[READ_SIZE];
};

/* Look at @in_fd and its terminal. Return: 0 or a negative errno. */
must_check int console_input_init(struct console *c);

/* Give the client what is kept for it, and ask for more. Loop thread. */
void console_input_turn(struct console *c);

/* From ourselves to the user: all of it, or nothing when the ring is that full. */
void console_say(struct console *c, const char *text);

#endif /* DEVICES_HOST_CONSOLE_PRIVATE_H */
