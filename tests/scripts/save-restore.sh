#!/bin/bash
# The service script's save and reload, comments filtered as they used to be.
file=$(mktemp)
ipvsadm -A -t 192.168.1.100:80 -s rr
ipvsadm -a -t 192.168.1.100:80 -r 192.168.1.11:80 -g -w 3
ipvsadm -A -u 192.168.1.100:53 -s wlc
ipvsadm -a -u 192.168.1.100:53 -r 192.168.1.11:53 -m
ipvsadm-save -n > $file
cat $file
ipvsadm -C
( echo "# a comment"; cat $file ) | grep -v '^#' | ipvsadm-restore
ipvsadm -S -n | diff - $file && echo same
rm -f $file
