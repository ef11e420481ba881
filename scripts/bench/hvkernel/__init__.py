"""Rows about hvkernel: what it costs its guests beside Xen, how soon it is there, how soon it is built, its size."""
