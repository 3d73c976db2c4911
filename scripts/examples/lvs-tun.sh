#!/bin/sh
# lvs-tun.sh - the director of an LVS cluster with tunnels (LVS-TUN).
#
#                      clients
#                         |
#      ---+---------------+---------------+---   networks, anywhere
#         |               |               |
#     director       real server 1   real server 2
#   DEV: VIP          RS1              RS2
#                     tunl0: VIP       tunl0: VIP    (realserver.sh, MODE=tun)
#
# Clients send to VIP.  The director puts the packet as it is into another one,
# to a real server, which may be in another city; that one takes it out at the
# end of the tunnel, has VIP there, and answers the client directly.
#
# A packet in a tunnel is 20 bytes longer.  Where clients do not learn of that
# (ICMP is filtered on their way), long requests hang: then clamp the segment
# size at the real servers, see lvs-realserver(8), --clamp-mss.
#
# Run "MODE=tun realserver.sh start" on the real servers, then this on the
# director: from rc.local, or from cron, which may start it again and again.
# Needs root, a kernel with IPVS, ipvsadm and lvs-vip.
#
# Usage: lvs-tun.sh start|stop|status
# Other services in the IPVS table are left alone.

# Edit these or set them in the environment.
VIP=${VIP:-192.168.0.100}   # address of the service
DEV=${DEV:-eth0}            # interface that gets it
PORT=${PORT:-80}            # TCP port of the service, here and there
RS=${RS:-192.168.0.11 10.20.30.12}   # real servers
PERSISTENCE=${PERSISTENCE:-3}   # seconds that a client stays with one server

service="-t $VIP:$PORT"

# The rules of this service, as "ipvsadm -S -n" prints them.
rules() {
	echo "-A $service -s wrr -p $PERSISTENCE"
	for server in $RS; do
		echo "-a $service -r $server:$PORT -i -w 1"
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
		echo "lvs-tun: running, $VIP:$PORT is balanced"
	else
		echo "lvs-tun: stopped"
		return 3
	fi
}

case ${1-} in
start | stop | status) "$1" ;;
*) echo "Usage: $0 start|stop|status" >&2; exit 2 ;;
esac
