#!/bin/sh
# Status by grep, exit statuses, wrong words.
ipvsadm -A -t 192.168.1.100:http -s rr
if ipvsadm -Ln | grep -q "192.168.1.100:80"; then echo "running"; else echo "stopped"; exit 3; fi
ipvsadm -L -t 192.168.1.100:80
ipvsadm -v | cut -d' ' -f1-2
ipvsadm nonsense 2>&1
echo $?
ipvsadm -A -t 192.168.1.100:80 -Q 2>&1
echo $?
ipvsadm -A 2>&1
echo $?
