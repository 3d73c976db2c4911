#!/bin/sh
# vrrp-dual-master.sh - two machines and two addresses: each is master of one of them, and takes the
# other's over when it is gone. DNS gives clients both.
#
# On the first machine "vrrp-dual-master.sh 1", on the second one "vrrp-dual-master.sh 2". It runs
# until it is told to end, and then gives both addresses up.

# Edit these or set them in the environment.
VIP1=${VIP1:-192.0.2.10/24}
VIP2=${VIP2:-192.0.2.11/24}
IFACE=${IFACE:-eth0}

case ${1-} in
1) first=150 second=100 ;;
2) first=100 second=150 ;;
*)
	echo "usage: $0 1|2" >&2
	exit 64
	;;
esac

lvs-vrrp run -i "$IFACE" -I 51 -p $first --vip "$VIP1" &
one=$!
lvs-vrrp run -i "$IFACE" -I 52 -p $second --vip "$VIP2" &
two=$!
trap 'kill $one $two 2>/dev/null' TERM INT HUP
wait $one
wait $two
