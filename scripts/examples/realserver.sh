#!/bin/sh
# realserver.sh - a real server of an LVS cluster with direct routing (LVS-DR)
# or tunnels (LVS-TUN).
#
#     client ---> director (VIP) ---> this machine (VIP on lo) ---> client
#
# The director hands on packets with the cluster's address VIP as destination,
# so this machine needs VIP too.  But only the director may answer ARP for it.
# Hence VIP sits where nobody sees it: on the loopback interface, or at the end
# of the tunnel; and
#   arp_ignore=1    answer ARP only for addresses of the interface asked
#   arp_announce=2  never ask by ARP in the name of VIP
# These come before the address, else ARP is answered for it in between.
#
# All of this is lvs-realserver's work, which also puts back what was there
# before; see its manual page.  "lvs-realserver verify" tells what would leak.
#
# Usage: realserver.sh start|stop|status          (needs root)
# See lvs-dr.sh and lvs-tun.sh for the director and the whole picture.

# Edit these or set them in the environment.
VIP=${VIP:-192.168.0.100}   # several, with blanks between, are fine
MODE=${MODE:-dr}            # dr or tun

# shellcheck disable=SC2086 # VIP is a list
case ${1-} in
start | status) exec lvs-realserver "$1" --mode "$MODE" $VIP ;;
stop) exec lvs-realserver stop $VIP ;;
*) echo "Usage: $0 start|stop|status" >&2; exit 2 ;;
esac
