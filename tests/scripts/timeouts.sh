#!/bin/sh
# --set, with words on both sides, and what lists it.
ipvsadm --set 30 5 60
ipvsadm -L --timeout
ipvsadm --set 900 0 300
ipvsadm -Ln --timeout
ipvsadm --set 1 2
echo $?
