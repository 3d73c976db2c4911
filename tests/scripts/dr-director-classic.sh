#!/bin/bash
# Director, direct routing, ifconfig alias with host route; VIP and servers edited in.
VIP=192.168.1.100
RIP1=192.168.1.11
RIP2=192.168.1.12
case "$1" in
start)
	echo "start LVS of DirectorServer"
	ifconfig eth0:0 $VIP broadcast $VIP netmask 255.255.255.255 up
	route add -host $VIP dev eth0:0
	echo "1" >/proc/sys/net/ipv4/ip_forward
	ipvsadm -C
	ipvsadm -A -t $VIP:80 -s rr
	ipvsadm -a -t $VIP:80 -r $RIP1:80 -g
	ipvsadm -a -t $VIP:80 -r $RIP2:80 -g
	ipvsadm
	;;
stop)
	echo "close LVS Directorserver"
	echo "0" >/proc/sys/net/ipv4/ip_forward
	ipvsadm -C
	ipvsadm -Z
	ifconfig eth0:0 down
	;;
*)
	echo "Usage: $0 {start|stop}"
	exit 1
	;;
esac
