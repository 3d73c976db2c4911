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
# Run realserver.sh on the real servers, then this on the director.
# Needs root, ipvsadm and a kernel with IPVS.
#
# Usage: lvs-dr.sh start|stop|status
# "stop" clears the whole IPVS table, other services' entries too.

# Edit these or set them in the environment.
VIP=${VIP:-192.168.0.100}   # address of the service
DEV=${DEV:-eth0}            # interface that gets it
PORT=${PORT:-80}            # TCP port of the service, here and there
RS1=${RS1:-192.168.0.11}    # real servers
RS2=${RS2:-192.168.0.12}
PERSISTENCE=${PERSISTENCE:-3}   # seconds that a client stays with one server

has_vip() {
	ip -4 -o addr show dev "$DEV" | grep -qF " $VIP/"
}

start() {
	ipvsadm -C &&
	ipvsadm --set 30 5 60 &&
	ipvsadm -A -t "$VIP:$PORT" -s wrr -p "$PERSISTENCE" &&
	ipvsadm -a -t "$VIP:$PORT" -r "$RS1:$PORT" -g -w 1 &&
	ipvsadm -a -t "$VIP:$PORT" -r "$RS2:$PORT" -g -w 1 || return
	# The address last: what arrives is balanced from the first packet on.
	has_vip || ip addr add "$VIP/32" dev "$DEV"
}

stop() {
	if has_vip; then
		ip addr del "$VIP/32" dev "$DEV" || return
	fi
	ipvsadm -C && ipvsadm -Z
}

status() {
	if has_vip && ipvsadm -S -n | grep -q -- "-t $VIP:$PORT "; then
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
