#!/bin/sh
# The least that can be done with the same packages: unpack them, pack a cpio, write one file. No checks, no choice.
# Usage: plain.sh FOLDER DEB... ; unpacks the packages into FOLDER/root and writes FOLDER/plain.img.
set -eu
folder=$1
shift
rm -rf "$folder/root"
mkdir -p "$folder/root"
printf '%s\n' "$@" | xargs -P "$(nproc)" -I DEB dpkg-deb -x DEB "$folder/root"
(cd "$folder/root" && find . -path ./boot -prune -o -print | cpio -o -H newc --quiet | gzip -1) >"$folder/initramfs.gz"
cat "$folder"/root/boot/xen-* "$folder"/root/boot/vmlinuz-* "$folder/initramfs.gz" >"$folder/plain.img" 2>/dev/null || :
