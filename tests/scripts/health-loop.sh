#!/bin/bash
# A health check in shell: looks the server up in the listing, deletes it, adds it again.
VIP=192.168.1.100
RS=("192.168.1.11" "192.168.1.12")
add() { ipvsadm -a -t $VIP:80 -r $1:80 -g -w 1; }
del() { ipvsadm -d -t $VIP:80 -r $1:80; }
ipvsadm -C
ipvsadm -A -t $VIP:80 -s wrr
for rs in "${RS[@]}"; do add $rs; done
for round in 1 2 3; do
	for rs in "${RS[@]}"; do
		count=$(ipvsadm -L -n | grep -c "$rs:80")
		if [ $round = 2 ]; then
			[ $count -eq 1 ] && del $rs && echo "$rs is down"
		else
			[ $count -eq 0 ] && add $rs && echo "$rs is up"
		fi
	done
	ipvsadm -Ln | awk 'NR > 3 { print $2, $4 }'
done
