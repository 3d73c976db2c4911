#!/bin/bash
# A director that is a real server, too: itself among the servers.
VIP=192.168.1.140
ME=192.168.1.10
. /lib/lsb/init-functions 2>/dev/null || true
up() {
	ifconfig lo:1 $VIP netmask 255.255.255.255 up
	ipvsadm -At $VIP:80 -s rr
	ipvsadm -at $VIP:80 -r $ME:80 -g
	ipvsadm -at $VIP:80 -r 192.168.1.11:80 -g
}
down() {
	ipvsadm -Dt $VIP:80
	ifconfig lo:1 down
}
[ "$1" = start ] && up || down
ipvsadm -ln
