#!/bin/sh
# IPv6 services.
ipvsadm -A -t [fd01::100]:80 -s rr -p 50 -M 64
ipvsadm -a -t [fd01::100]:80 -r [fd01::11]:80 -g
ipvsadm -a -t [fd01::100]:80 -r [fd01::12]:80 -g -w 3
ip -6 addr add fd01::100/128 dev eth0 nodad
ipvsadm -Ln
