#!/bin/sh
# Many ports, many servers; the table goes out through a pipe.
ipvsadm -C
for port in 80 443 8080 3306 6379; do
	ipvsadm -A -t 192.168.1.100:$port -s sed
	for last in 11 12 13 14; do
		echo "-a -t 192.168.1.100:$port -r 192.168.1.$last:$port -g -w $((last - 10))"
	done
done | ipvsadm -R
ipvsadm -Sn | sort | head -30
ipvsadm -Z -t 192.168.1.100:80
