#!/bin/sh
# Director, tunnels, VIP on tunl0.
VIP=192.168.1.130
case $1 in
start)
	modprobe ipip
	ifconfig tunl0 $VIP broadcast $VIP netmask 255.255.255.255 up
	route add -host $VIP dev tunl0
	ipvsadm -A -t $VIP:80 -s rr -p 600
	ipvsadm -a -t $VIP:80 -r 10.20.30.1:80 -i
	ipvsadm -a -t $VIP:80 -r 10.20.30.2 -i -w 5
	;;
stop)
	ipvsadm --clear
	route del -host $VIP dev tunl0
	ifconfig tunl0 down
	;;
esac
ipvsadm --list --numeric
