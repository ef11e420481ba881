#!/bin/sh
# The least that can be done with the same packages: unpack them, pack a cpio, write one file. No choice of files, no
# checks, no reuse. The result is as large as its packages and boots nowhere; it is here for its time only.
# plain.sh FOLDER DEB...  unpacks into FOLDER/root and writes FOLDER/plain.img
set -eu
folder=$1
shift
cpio=cpio
command -v cpio >/dev/null || cpio="busybox cpio"

rm -rf "$folder/root"
mkdir -p "$folder/root"
printf '%s\n' "$@" | xargs -P "$(nproc)" -I DEB dpkg-deb -x DEB "$folder/root"
# One command after the other, so that the failure of any is the script's.
cd "$folder/root"
find . -path ./boot -prune -o -print >../names
$cpio -o -H newc <../names >../cpio 2>/dev/null
gzip -1 <../cpio >../initramfs.gz
cat boot/xen-*.gz boot/vmlinuz-* ../initramfs.gz >../plain.img
