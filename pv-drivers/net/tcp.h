/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A TCP server (RFC 9293) that answers what it is sent: one port, some connections, one segment in
 * flight on each. */
#ifndef NET_TCP_H
#define NET_TCP_H

#include "ip.h"

/*
 * Serve a port. `serve` gets what came and gives the answer's size, at most TCP_SEGMENT bytes, in
 * `answer`. With what does not fit there is no answer: it is dropped, and the other end sends
 * again.
 */
#define TCP_SEGMENT 1460u

typedef size_t tcp_serve_fn(const u8 *data, size_t size, u8 *answer);

void tcp_listen(u16 port, tcp_serve_fn *serve);

#endif
