#!/bin/bash
# Several VIPs on a real server, by ip.
VIPS="192.168.1.100 192.168.1.101 192.168.1.102"
n=0
for vip in $VIPS; do
	case $1 in
	start) ip addr add $vip/32 brd $vip dev lo label lo:$n && ip route add $vip dev lo ;;
	stop) ip addr del $vip/32 dev lo ;;
	esac
	n=$((n + 1))
done
[ "$1" = start ] && value="1 2" || value="0 0"
set -- $value
sysctl -qw net.ipv4.conf.all.arp_ignore=$1 net.ipv4.conf.all.arp_announce=$2
sysctl -qw net.ipv4.conf.lo.arp_ignore=$1 net.ipv4.conf.lo.arp_announce=$2
