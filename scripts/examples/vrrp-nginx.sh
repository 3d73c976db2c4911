#!/bin/sh
# vrrp-nginx.sh - a pair of machines that share an address, and guard nginx behind it.
#
# On both machines, one with PRIORITY=150 and one with PRIORITY=100:
#
#     VIP=192.0.2.10/24 IFACE=eth0 PRIORITY=150 vrrp-nginx.sh run
#
# Every two seconds "vrrp-nginx.sh check" asks nginx for a page. If there is no answer it starts
# nginx anew; the third failure in a row is a fault: the other machine gets the address, and root
# gets a mail. It comes back when nginx answers again.
#
# Needs lvs-vrrp, curl and, for the mail, mail(1).

# Edit these or set them in the environment.
VIP=${VIP:-192.0.2.10/24}
IFACE=${IFACE:-eth0}
VRID=${VRID:-51}
PRIORITY=${PRIORITY:-100}
URL=${URL:-http://127.0.0.1/}
ADMIN=${ADMIN:-root}
RESTART=${RESTART:-systemctl restart nginx}

self=$(readlink -f "$0")

case ${1-} in
run)
	exec lvs-vrrp run -i "$IFACE" -I "$VRID" -p "$PRIORITY" --vip "$VIP" \
		--track-script "nginx:2:1:3:0:$self check" \
		--notify-fault "$self fault"
	;;
check)
	curl -fsS -o /dev/null --max-time 1 "$URL" && exit 0
	# The next check tells whether that has helped.
	$RESTART >/dev/null 2>&1 &
	exit 1
	;;
fault)
	echo "$(hostname) gave up $VIP: nginx does not answer at $URL" |
		mail -s "$(hostname): nginx is down" "$ADMIN"
	;;
*)
	echo "usage: $0 run|check|fault" >&2
	exit 64
	;;
esac
