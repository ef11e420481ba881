/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xenstored's wires: the page of each domain, and dom0's own calls. */
#ifndef XENSTORE_CONNECTION_H
#define XENSTORE_CONNECTION_H

#include "types.h"

/* Start the store, and serve this program's own xs calls from it. */
void connections_start(void);
/* Serve a domain whose page is `frame` and whose event channel to us is `port`. 0 or a positive
 * XS_E. */
int connection_open(domid_t dom, unsigned long frame, port_t port);
/* The domain is gone. */
int connection_close(domid_t dom);

#endif
