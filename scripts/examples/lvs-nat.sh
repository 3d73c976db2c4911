#!/bin/sh
# lvs-nat.sh - the director of an LVS cluster with address translation (LVS-NAT).
#
#              clients
#                 |
#      ---+-------+---   outside
#         |
#     DEV: VIP
#     director
#     GATEWAY
#         |
#      ---+---------------+---------------+---   inside
#                         |               |
#                   real server 1   real server 2
#                   gateway: GATEWAY, on both
#
# The director puts the address and port of a real server in place of VIP and
# PORT, and its own back into the answer: so answers must come back through it,
# and it is the real servers' default gateway.  They need nothing else, may run
# any system, and may serve on another port.
#
# Run this on the director: from rc.local, or from cron, which may start it
# again and again.  Needs root, a kernel with IPVS, ipvsadm and lvs-vip.
#
# Usage: lvs-nat.sh start|stop|status
# Other services in the IPVS table are left alone.

# Edit these or set them in the environment.
VIP=${VIP:-192.168.0.100}   # address of the service
DEV=${DEV:-eth0}            # interface to the outside, which gets it
PORT=${PORT:-80}            # TCP port of the service
RS=${RS:-10.0.0.11 10.0.0.12}   # real servers
RSPORT=${RSPORT:-80}        # their TCP port
PERSISTENCE=${PERSISTENCE:-3}   # seconds that a client stays with one server

service="-t $VIP:$PORT"

# The rules of this service, as "ipvsadm -S -n" prints them.
rules() {
	echo "-A $service -s wrr -p $PERSISTENCE"
	for server in $RS; do
		echo "-a $service -r $server:$RSPORT -m -w 1"
	done
}

# Those of all other services.
others() {
	ipvsadm -S -n | grep -vF -- " $service "
}

start() {
	# The director is a router now.
	echo 1 >/proc/sys/net/ipv4/ip_forward || return
	{ others; rules; } | ipvsadm --apply - || return
	# The address last: what arrives is balanced from the first packet on.
	lvs-vip add "$VIP" --dev "$DEV"
}

# Others may need the router: it stays one.
stop() {
	lvs-vip del "$VIP" --dev "$DEV" || return
	others | ipvsadm --apply -
}

status() {
	if lvs-vip show "$VIP" --dev "$DEV" >/dev/null && ipvsadm -S -n | grep -qF -- "-A $service "; then
		echo "lvs-nat: running, $VIP:$PORT is balanced"
	else
		echo "lvs-nat: stopped"
		return 3
	fi
}

case ${1-} in
start | stop | status) "$1" ;;
*) echo "Usage: $0 start|stop|status" >&2; exit 2 ;;
esac
