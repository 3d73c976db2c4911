#!/bin/bash
# Director, NAT: forwarding, servers on other ports, weights.
VIP=192.168.1.120
start() {
	echo 1 > /proc/sys/net/ipv4/ip_forward
	echo 0 > /proc/sys/net/ipv4/conf/all/send_redirects
	echo 0 > /proc/sys/net/ipv4/conf/default/send_redirects
	echo 0 > /proc/sys/net/ipv4/conf/eth0/send_redirects
	/sbin/ifconfig eth0:1 $VIP netmask 255.255.255.0 up
	ipvsadm -C
	ipvsadm -A -t $VIP:80 -s wlc
	ipvsadm -a -t $VIP:80 -r 10.0.0.11:8080 -m -w 2
	ipvsadm -a -t $VIP:80 -r 10.0.0.12:8080 -m -w 1
	ipvsadm -at $VIP:80 -r 10.0.0.13:8080 -m
}
stop() {
	ipvsadm -D -t $VIP:80
	/sbin/ifconfig eth0:1 down
	echo 0 > /proc/sys/net/ipv4/ip_forward
}
$1
ipvsadm -L -n
