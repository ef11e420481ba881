/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers of Xen's public/errno.h, returned negative. */
#ifndef HV_ERRNO_H
#define HV_ERRNO_H

#define EPERM      1
#define ENOENT     2
#define ESRCH      3
#define EIO        5
#define E2BIG      7
#define EAGAIN     11
#define ENOMEM     12
#define EACCES     13
#define EFAULT     14
#define EBUSY      16
#define EEXIST     17
#define ENODEV     19
#define EINVAL     22
#define ENOSPC     28
#define ERANGE     34
#define ENOSYS     38
#define EOPNOTSUPP 95
#define ECONTINUE  1000 /* ours: the hypercall goes on where it stopped; no guest ever sees it */

#endif
