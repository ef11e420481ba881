/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Networks between domains: public/io/netif.h, with receive by copy and without any offload. */
#ifndef DRIVERS_NETIF_H
#define DRIVERS_NETIF_H

#include "nic.h"

struct netif_tx_request {
	gref_t ref;
	u16 offset, flags, id, size;
};

struct netif_tx_response {
	u16 id;
	s16 status;
};

struct netif_rx_request {
	u16 id, pad;
	gref_t ref;
};

struct netif_rx_response {
	u16 id, offset, flags;
	s16 status; /* size, or an error */
};

enum { NETTX_CSUM_BLANK = 1, NETTX_DATA_VALID = 2, NETTX_MORE = 4, NETTX_EXTRA = 8 };
enum { NETRX_DATA_VALID = 1, NETRX_CSUM_BLANK = 2, NETRX_MORE = 4, NETRX_EXTRA = 8 };
enum { NETIF_OK = 0, NETIF_ERROR = -1, NETIF_DROPPED = -2, NETIF_NULL = 1 };

#define NETIF_TX_SIZE 12u /* entries: the larger of request and response */
#define NETIF_RX_SIZE 8u

/* The interface "device/vif/ID" of this domain, connected; NULL with a message if that failed. */
struct nic *netfront_open(const char *id);

#endif
