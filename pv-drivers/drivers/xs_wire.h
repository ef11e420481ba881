/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes between xenstored and its clients: public/io/xs_wire.h. */
#ifndef DRIVERS_XS_WIRE_H
#define DRIVERS_XS_WIRE_H

#include "types.h"

#define XS_BODY     4096u
#define XS_ABS_PATH 3072u
#define XS_REL_PATH 2048u
#define XS_RING     1024u

enum xs_type {
	XS_CONTROL,
	XS_DIRECTORY,
	XS_READ,
	XS_GET_PERMS,
	XS_WATCH,
	XS_UNWATCH,
	XS_TRANSACTION_START,
	XS_TRANSACTION_END,
	XS_INTRODUCE,
	XS_RELEASE,
	XS_GET_DOMAIN_PATH,
	XS_WRITE,
	XS_MKDIR,
	XS_RM,
	XS_SET_PERMS,
	XS_WATCH_EVENT,
	XS_ERROR,
	XS_IS_DOMAIN_INTRODUCED,
	XS_RESUME,
	XS_SET_TARGET,
	XS_RESET_WATCHES = 21,
	XS_DIRECTORY_PART = 22,
};

struct xs_header {
	u32 type, req_id, tx_id, len;
};

struct xs_ring {
	char req[XS_RING];
	char rsp[XS_RING];
	u32 req_cons, req_prod;
	u32 rsp_cons, rsp_prod;
	u32 server_features, connection, error;
};

/* Errors go over the wire by name; the numbers are Linux's. */
enum {
	XS_EPERM = 1,
	XS_ENOENT = 2,
	XS_EIO = 5,
	XS_E2BIG = 7,
	XS_EAGAIN = 11,
	XS_ENOMEM = 12,
	XS_EACCES = 13,
	XS_EBUSY = 16,
	XS_EEXIST = 17,
	XS_EISDIR = 21,
	XS_EINVAL = 22,
	XS_ENOSPC = 28,
	XS_EROFS = 30,
	XS_ENOSYS = 38,
	XS_ENOTEMPTY = 39,
	XS_EISCONN = 106,
};

const char *xs_error_name(int error);
int xs_error_number(const char *name);

#endif
