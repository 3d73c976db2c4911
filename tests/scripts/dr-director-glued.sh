#!/bin/sh
# Director with the letters of options run together.
vip=192.168.1.110
ipvsadm -C
ipvsadm -At $vip:80 -s wrr
for n in 1 2 3; do
	ipvsadm -at $vip:80 -r 192.168.1.2$n:80 -g -w $n
done
ipvsadm -Ln
ipvsadm -ln --stats
ipvsadm -Lnc
[ "$1" = stop ] && ipvsadm -C
exit 0
