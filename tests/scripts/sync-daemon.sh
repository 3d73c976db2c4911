#!/bin/sh
# Synchronisation daemons with and without the equals sign.
case $1 in
start)
	ipvsadm --start-daemon=master --mcast-interface=eth0
	echo $?
	ipvsadm --start-daemon backup --mcast-interface eth1 --syncid 3
	;;
stop)
	ipvsadm --stop-daemon master
	ipvsadm --stop-daemon=backup
	;;
esac
ipvsadm -L --daemon
