#!/bin/sh
# realserver.sh - a real server of an LVS cluster with direct routing (LVS-DR).
#
#     client ---> director (VIP) ---> this machine (VIP on lo) ---> client
#
# The director hands on packets with the cluster's address VIP as destination,
# so this machine needs VIP too.  But only the director may answer ARP for it.
# Hence VIP sits on the loopback interface, and
#   arp_ignore=1    answer ARP only for addresses of the interface asked
#   arp_announce=2  never ask by ARP in the name of VIP
# These come before the address, else ARP is answered for it in between.
#
# Usage: realserver.sh start|stop|status          (needs root)
# See lvs-dr.sh for the director and the whole picture.

# Edit this or set it in the environment.
VIP=${VIP:-192.168.0.100}

# Where "start" notes what the settings were before, for "stop".
STATE=${STATE:-/run/realserver.state}

conf=/proc/sys/net/ipv4/conf

has_vip() {
	ip -4 -o addr show dev lo | grep -qF " $VIP/"
}

arp_set() {
	[ "$(cat $conf/all/arp_ignore)" = 1 ] && [ "$(cat $conf/all/arp_announce)" = 2 ]
}

start() {
	if [ ! -e "$STATE" ]; then
		(cd $conf && grep . all/arp_ignore all/arp_announce lo/arp_ignore lo/arp_announce) \
			>"$STATE" || return
	fi
	echo 1 >$conf/all/arp_ignore &&
	echo 2 >$conf/all/arp_announce &&
	echo 1 >$conf/lo/arp_ignore &&
	echo 2 >$conf/lo/arp_announce || return
	has_vip || ip addr add "$VIP/32" dev lo label lo:0
}

stop() {
	if has_vip; then
		ip addr del "$VIP/32" dev lo || return
	fi
	# Another VIP on lo still needs the settings.
	if [ -e "$STATE" ] && ! ip -4 -o addr show dev lo | grep -qv ' inet 127\.'; then
		while IFS=: read -r name value; do
			echo "$value" >"$conf/$name"
		done <"$STATE"
		rm "$STATE"
	fi
}

status() {
	if has_vip && arp_set; then
		echo "realserver: running, $VIP is on lo"
	elif has_vip; then
		echo "realserver: $VIP is on lo, but ARP may be answered for it"
		return 1
	else
		echo "realserver: stopped"
		return 3
	fi
}

case ${1-} in
start | stop | status) "$1" ;;
*) echo "Usage: $0 start|stop|status" >&2; exit 2 ;;
esac
