/* SPDX-License-Identifier: MIT */
#ifndef DEVICES_HOST_CONSOLE_H
#define DEVICES_HOST_CONSOLE_H

#include "devices/loop.h"
#include "machine/base/compiler.h"
#include "machine/base/types.h"

/*
 * The host's end of a console: standard input and output, or any other pair of
 * descriptors. Output goes into a ring that the loop writes out in large
 * pieces; input comes from the loop, passes the escape keys and goes to the
 * device.
 *
 *   device --console_write()--> ring --loop--> out_fd
 *   in_fd --loop--> Ctrl-A filter --ops->input()--> device
 *
 * Output leaves when the guest has been quiet for 4 ms (so that a prompt is
 * there at once), when 8 KiB are waiting, or when the oldest byte is 100 ms old
 * (500 ms when out_fd is no terminal); a guest that prints byte by byte costs
 * the host a few writes, not one a byte.
 *
 * Ctrl-A is the escape key, on pipes as well as on terminals: x ends the
 * machine, b sends a break, Ctrl-A sends one Ctrl-A, h or ? prints these keys.
 * Any other key after Ctrl-A is dropped together with it. Ctrl-A x works while
 * the guest takes no input, until 3 KiB of it are waiting.
 *
 * A terminal in raw mode keeps its output processing, and has ONLCR on: a
 * bare-metal guest's "\n" and our own messages start a new line at its left
 * edge, and the "\r\n" that Linux sends looks the same with a second "\r".
 *
 * End of input ends input and nothing else. While roost is in the background of
 * its terminal, input stays where it is and the terminal stays as it is.
 */
struct console;

/* The device at the guest's end. All on the loop's thread, no console lock held. */
struct console_client_ops {
	/*
	 * Bytes for the guest. Return: how many were taken; the rest is kept and
	 * offered again after console_input_ready().
	 */
	size_t (*input)(void *ctx, const u8 *data, size_t len);
	void (*send_break)(void *ctx); /* Ctrl-A b */
	void (*writable)(void *ctx); /* there is room again after console_write() took less */
};

struct console_config {
	int in_fd; /* -1: no input; not owned */
	int out_fd; /* not owned */
	bool raw; /* put @in_fd into raw mode if it is a terminal; one console a process */
	void (*quit)(void *ctx); /* Ctrl-A x, on the loop's thread */
	void (*lost)(void *ctx, int err); /* output cannot be written any more, once */
	void (*typed)(void *ctx); /* input has come, whoever takes it; NULL: nobody wants to know */
	void *ctx;
};

/**
 * console_create - start a console on two descriptors
 * @l:   the loop that does the I/O; outlives the console
 * @cfg: copied
 * @out: owned by the caller, released with console_destroy()
 *
 * The program ignores or blocks SIGPIPE: a reader that went away is then an -EPIPE for
 * cfg.lost(). After that output is taken and thrown away, so that the guest
 * does not hang. A signal that kills the program restores the terminal first.
 *
 * Return: 0, -ENOMEM, -EBUSY when another console has a terminal in raw mode,
 * or what the loop or tcsetattr() answered.
 */
must_check int console_create(struct loop *l, const struct console_config *cfg,
                              struct console **out);

/* Restores the terminal. After loop_quiesce(). NULL is fine. */
void console_destroy(struct console *c);

/*
 * Who gets the input. Before the loop first turns; without a client, input
 * waits. @ops and @ctx are kept.
 */
void console_attach(struct console *c, const struct console_client_ops *ops, void *ctx);

/**
 * console_write - output from the guest
 * @c:    any thread, with the device's lock held
 * @data: copied
 * @len:  bytes
 *
 * Return: how many bytes were taken, less than @len when the host side is slow;
 * ops->writable() then runs once when there is room again.
 */
size_t console_write(struct console *c, const void *data, size_t len);

/* Room for that many bytes right now; another thread may take it first. */
size_t console_room(struct console *c);

/*
 * The client has room for input again, made under the lock that its input()
 * takes. Any thread; free of system calls unless input is waiting.
 */
void console_input_ready(struct console *c);

/* After SIGCONT, on the loop's thread: the shell may have changed the terminal's mode. */
void console_resume(struct console *c);

/**
 * console_drain - write out everything the ring holds now
 * @c:          loop thread, the loop not quiesced yet
 * @timeout_ns: give up after so long without any progress; 0: wait for ever
 *
 * Turns the loop, so other ops' done() run meanwhile.
 *
 * Return: bytes that could not be written, 0 when all is out.
 */
size_t console_drain(struct console *c, u64 timeout_ns);

/* write(2)-like calls made so far, for figures and tests. Loop thread. */
u64 console_writes(const struct console *c);

#endif /* DEVICES_HOST_CONSOLE_H */
