#!/bin/sh
# Options before the service, after it, long and short.
ipvsadm -C
ipvsadm -A -s wrr -t 192.168.1.100:80
ipvsadm -a -m -w 4 -t 192.168.1.100:80 -r 10.0.0.11:80
ipvsadm --add-server --tcp-service 192.168.1.100:80 --real-server 10.0.0.12:80 --masquerading --weight 2
ipvsadm --add-service --fwmark-service 1 --scheduler rr
ipvsadm --add-server --fwmark-service 1 --real-server 10.0.0.12 --gatewaying
ipvsadm -e -t 192.168.1.100:80 -r 10.0.0.11:80 -m -w 0
ipvsadm -d -t 192.168.1.100:80 -r 10.0.0.12:80
ipvsadm --list -n --rate
