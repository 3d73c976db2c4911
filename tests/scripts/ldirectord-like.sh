#!/bin/sh
# What checkers do: edit to quiesce, look at two listings, edit back.
ipvsadm -A -t 192.168.1.100:80 -s wlc -p 300
ipvsadm -a -t 192.168.1.100:80 -r 10.0.0.11:80 -m -w 10 -x 1000 -y 500
ipvsadm -e -t 192.168.1.100:80 -r 10.0.0.11:80 -m -w 0 -x 1000 -y 500
ipvsadm -L -n --thresholds
ipvsadm -L -n
ipvsadm -e -t 192.168.1.100:80 -r 10.0.0.11:80 -m -w 10
ipvsadm -L -n --thresholds
