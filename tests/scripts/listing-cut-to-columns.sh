#!/bin/sh
# What monitoring does with the listings.
ipvsadm -A -t 192.168.1.100:80 -s rr
ipvsadm -a -t 192.168.1.100:80 -r 192.168.1.11 -w 12
ipvsadm -a -t 192.168.1.100:80 -r 192.168.1.12 -w 34
ipvsadm -Ln | grep '^  ->' | grep -v Remote | awk '{ print $2 ":" $4 ":" $5 ":" $6 }'
ipvsadm -Ln --stats | sed -n '4,$p' | tr -s ' ' | cut -d' ' -f3-8
ipvsadm -Ln --rate | tail -1 | wc -w
ipvsadm -L -n --exact --stats | grep TCP
ipvsadm -ln --persistent-conn
ipvsadm -ln --thresholds --sort
ipvsadm -Sn | awk '/^-a/ { print $5, $NF }'
