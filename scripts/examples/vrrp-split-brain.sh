#!/bin/sh
# vrrp-split-brain.sh - for cron: silent while each virtual router on the link has one master, else
# it says what is wrong, which cron mails:
#
#     */5 * * * * root /usr/local/bin/vrrp-split-brain.sh eth0
#
# Needs lvs-vrrp and root.

[ $# -eq 1 ] || {
	echo "usage: $0 IFACE" >&2
	exit 64
}
heard=$(lvs-vrrp watch -i "$1" --for 10)
status=$?
case $status in
0) ;;
3) echo "$(hostname): no VRRP master on $1" ;;
4) printf '%s: two VRRP masters on %s\n\n%s\n' "$(hostname)" "$1" "$heard" ;;
esac
exit $status
