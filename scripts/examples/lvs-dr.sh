#!/bin/sh
# lvs-dr.sh - the director of an LVS cluster with direct routing (LVS-DR).
#
#                      clients
#                         |
#      ---+---------------+---------------+---   one network segment
#         |               |               |
#     director       real server 1   real server 2
#   DEV: VIP          RS1              RS2
#                     lo: VIP          lo: VIP     (see realserver.sh)
#
# Clients send to VIP.  The director answers ARP for it, chooses a real server
# and hands it the packet as it is; the real server has VIP on its loopback
# interface, where nobody sees it, and answers the client directly.
#
# Run realserver.sh on the real servers, then this on the director: from
# rc.local, or from cron, which may start it again and again.
# Needs root, a kernel with IPVS, ipvsadm and lvs-vip.
#
# Usage: lvs-dr.sh start|stop|status
# Other services in the IPVS table are left alone.

# Edit these or set them in the environment.
VIP=${VIP:-192.168.0.100}   # address of the service
DEV=${DEV:-eth0}            # interface that gets it
PORT=${PORT:-80}            # TCP port of the service, here and there
RS=${RS:-192.168.0.11 192.168.0.12}   # real servers
PERSISTENCE=${PERSISTENCE:-3}   # seconds that a client stays with one server

service="-t $VIP:$PORT"

# The rules of this service, as "ipvsadm -S -n" prints them.
rules() {
	echo "-A $service -s wrr -p $PERSISTENCE"
	for server in $RS; do
		echo "-a $service -r $server:$PORT -g -w 1"
	done
}

# Those of all other services.
others() {
	ipvsadm -S -n | grep -vF -- " $service "
}

start() {
	{ others; rules; } | ipvsadm --apply - || return
	# The address last: what arrives is balanced from the first packet on.
	lvs-vip add "$VIP" --dev "$DEV"
}

stop() {
	lvs-vip del "$VIP" --dev "$DEV" || return
	others | ipvsadm --apply -
}

status() {
	if lvs-vip show "$VIP" --dev "$DEV" >/dev/null && ipvsadm -S -n | grep -qF -- "-A $service "; then
		echo "lvs-dr: running, $VIP:$PORT is balanced"
	else
		echo "lvs-dr: stopped"
		return 3
	fi
}

case ${1-} in
start | stop | status) "$1" ;;
*) echo "Usage: $0 start|stop|status" >&2; exit 2 ;;
esac
