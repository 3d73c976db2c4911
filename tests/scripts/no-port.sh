#!/bin/sh
# No port on the real server, no method at all.
ipvsadm -C
ipvsadm -A -t 192.168.1.100:8080 -s rr
ipvsadm -a -t 192.168.1.100:8080 -r 192.168.1.11
ipvsadm -a -t 192.168.1.100:8080 -r 192.168.1.12 -w 7
ipvsadm -a -t 192.168.1.100:8080 -r 192.168.1.13:80
ipvsadm -Ln
