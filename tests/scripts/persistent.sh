#!/bin/sh
# Persistence in its spellings.
ipvsadm -C
ipvsadm -A -t 192.168.1.100:80 -s rr -p
ipvsadm -A -t 192.168.1.100:443 -s rr -p 30
ipvsadm -A -t 192.168.1.100:0 -s lc -p 1000
ipvsadm -A -t 192.168.1.101 -s lc -p 1999999
ipvsadm -A -t 192.168.1.102:25 -p 60 -M 255.255.255.0
ipvsadm -A -t 192.168.1.103:25 -p60 -swlc
ipvsadm -a -t 192.168.1.101 -r 192.168.1.11 -g
ipvsadm -E -t 192.168.1.100:443 -s wlc --persistent 120
ipvsadm
