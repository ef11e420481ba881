/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xs_wire.h"

#include <string.h>

static const struct {
	int number;
	const char *name;
} errors[] = {
    {XS_EINVAL, "EINVAL"},   {XS_EPERM, "EPERM"},   {XS_ENOENT, "ENOENT"},
    {XS_EIO, "EIO"},         {XS_E2BIG, "E2BIG"},   {XS_EAGAIN, "EAGAIN"},
    {XS_ENOMEM, "ENOMEM"},   {XS_EACCES, "EACCES"}, {XS_EBUSY, "EBUSY"},
    {XS_EEXIST, "EEXIST"},   {XS_EISDIR, "EISDIR"}, {XS_ENOSPC, "ENOSPC"},
    {XS_EROFS, "EROFS"},     {XS_ENOSYS, "ENOSYS"}, {XS_ENOTEMPTY, "ENOTEMPTY"},
    {XS_EISCONN, "EISCONN"},
};

const char *xs_error_name(int error)
{
	for (u32 i = 0; i < LENGTH(errors); i++)
		if (errors[i].number == error)
			return errors[i].name;
	return "EINVAL";
}

int xs_error_number(const char *name)
{
	for (u32 i = 0; i < LENGTH(errors); i++)
		if (!strcmp(errors[i].name, name))
			return errors[i].number;
	return XS_EINVAL;
}
