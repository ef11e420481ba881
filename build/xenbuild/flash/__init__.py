"""Writing media to disks: find devices, guard against the wrong one, write, read back."""
