#!/bin/sh
# UDP with one-packet scheduling, marks beyond 2^31 left alone, IPv6 marks.
ipvsadm -A -u 192.168.1.100:53 -s rr -o
ipvsadm -a -u 192.168.1.100:53 -r 10.0.0.11:53 -m
ipvsadm -A -f 10 -s sh -b sh-port
ipvsadm -a -f 10 -r 192.168.1.11:0 -g
ipvsadm -A -f 11 -6 -s rr
ipvsadm -Ln
