#!/bin/bash
# A network of its own, without root: `unshare -rn` gives it. A tap device for QEMU, and with $HOUSE a DHCP server of the
# house in a network namespace beside it. Arguments: the boot server's words, "--", QEMU's words.
# Environment: SERVED, a file for what the server says; HOUSE, the words that start dnsmasq.
set -eu
server=()
while [ "$1" != -- ]; do server+=("$1"); shift; done
shift
ip link set lo up
ip link add br0 type bridge
ip addr add 192.168.77.1/24 dev br0
ip link set br0 up
ip tuntap add tap0 mode tap
ip link set tap0 master br0 up
if [ -n "${HOUSE:-}" ]; then
    ip link add house type veth peer name door
    ip link set house master br0 up
    unshare -n sleep 600 &
    beside=$!
    until [ "$(readlink /proc/$beside/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.1; done
    ip link set door netns $beside
    nsenter -t $beside -n ip addr add 192.168.77.2/24 dev door
    nsenter -t $beside -n ip link set door up
    # shellcheck disable=SC2086
    nsenter -t $beside -n $HOUSE --no-daemon --port=0 --dhcp-range=192.168.77.100,192.168.77.150 \
        --dhcp-leasefile="$SERVED.leases" >/dev/null 2>&1 &
fi
: >"$SERVED" # before anybody looks
"${server[@]}" >"$SERVED" 2>&1 &
for _ in $(seq 300); do
    if grep -q "serving on" "$SERVED"; then exec "$@"; fi
    sleep 0.2
done
cat "$SERVED"
exit 1
