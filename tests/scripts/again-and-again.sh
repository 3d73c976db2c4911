#!/bin/sh
# What has been done is done again, what is not there is deleted; the messages are looked at.
ipvsadm -A -t 192.168.1.100:80 -s rr
ipvsadm -A -t 192.168.1.100:80 -s rr || echo "failed: $?"
ipvsadm -a -t 192.168.1.100:80 -r 192.168.1.11
ipvsadm -a -t 192.168.1.100:80 -r 192.168.1.11 || echo "failed: $?"
ipvsadm -d -t 192.168.1.100:80 -r 192.168.1.99 || echo "failed: $?"
ipvsadm -D -t 192.168.1.200:80 || echo "failed: $?"
ipvsadm -a -t 192.168.1.200:80 -r 192.168.1.11 || echo "failed: $?"
ipvsadm -A -t 192.168.1.100:81 -s nosuch || echo "failed: $?"
ipvsadm -A -t 192.168.1.100 -s rr || echo "failed: $?"
