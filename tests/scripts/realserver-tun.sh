#!/bin/sh
# A real server behind a tunnel.
VIP=192.168.1.130
if [ "$1" = start ]; then
	modprobe ipip
	ifconfig tunl0 $VIP netmask 255.255.255.255 broadcast $VIP up
	route add -host $VIP dev tunl0
	echo 1 >/proc/sys/net/ipv4/conf/tunl0/arp_ignore
	echo 2 >/proc/sys/net/ipv4/conf/tunl0/arp_announce
	echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore
	echo 2 >/proc/sys/net/ipv4/conf/all/arp_announce
	echo 0 >/proc/sys/net/ipv4/conf/tunl0/rp_filter
else
	ifconfig tunl0 down
fi
