/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A domain that stops, is saved by dom0, and goes on in another domain, or in this one after all.
 */
#ifndef BASE_SUSPEND_H
#define BASE_SUSPEND_H

enum suspended { SUSPEND_FAILED, SUSPEND_CANCELLED, SUSPEND_RESUMED };

/* Tell dom0 where our pages are: it may look before it asks us to stop. */
void suspend_start(void);
/*
 * Stop until dom0 has made a domain of what is saved (resumed: what base knows of the domain, its
 * ports, grants and console, is as new; drivers see to theirs), or lets this one go on (cancelled:
 * nothing has changed). It fails if there was no memory for suspend_start().
 */
enum suspended suspend(void);

#endif
