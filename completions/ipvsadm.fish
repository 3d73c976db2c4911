complete -c ipvsadm -l start-daemon -d 'Start a synchronisation daemon: master or backup' -r -f -a "master\t''
backup\t''"
complete -c ipvsadm -l stop-daemon -d 'Stop a synchronisation daemon: master or backup' -r -f -a "master\t''
backup\t''"
complete -c ipvsadm -s t -l tcp-service -d 'A TCP service' -r -f -a "(__fish_print_hostnames)"
complete -c ipvsadm -s u -l udp-service -d 'A UDP service' -r -f -a "(__fish_print_hostnames)"
complete -c ipvsadm -l sctp-service -d 'An SCTP service' -r -f -a "(__fish_print_hostnames)"
complete -c ipvsadm -s f -l fwmark-service -d 'A service for packets with a firewall mark, 1 to 4294967295' -r -f
complete -c ipvsadm -s s -l scheduler -d 'rr, wrr, lc, wlc, lblc, lblcr, dh, sh, sed, nq, fo, ovf, mh, twos; default wlc' -r -f -a "rr\t''
wrr\t''
lc\t''
wlc\t''
lblc\t''
lblcr\t''
dh\t''
sh\t''
sed\t''
nq\t''
fo\t''
ovf\t''
mh\t''
twos\t''
none\t''"
complete -c ipvsadm -s b -l sched-flags -d 'Scheduler flags, with commas: flag-1 to flag-3, sh-fallback, sh-port, mh-fallback, mh-port' -r -f -a "flag-1\t''
flag-2\t''
flag-3\t''
sh-fallback\t''
sh-port\t''
mh-fallback\t''
mh-port\t''"
complete -c ipvsadm -s p -l persistent -d 'A client stays with its real server, 1 to 2678400 s; default 360' -r -f
complete -c ipvsadm -s M -l netmask -d 'Clients under one mask (IPv4) or prefix length (IPv6) count as one' -r -f
complete -c ipvsadm -l pe -d 'The persistence engine: sip' -r -f -a "sip\t''"
complete -c ipvsadm -s r -l real-server -d 'The real server; its port is that of the service, if not given' -r -f -a "(__fish_print_hostnames)"
complete -c ipvsadm -l tun-type -d 'ipip, gue or gre; default ipip' -r -f -a "ipip\t''
gue\t''
gre\t''"
complete -c ipvsadm -l tun-port -d 'The UDP port of a gue tunnel' -r -f
complete -c ipvsadm -s w -l weight -d 'Its share, 0 to 2147483647; 0: no new connections; default 1' -r -f
complete -c ipvsadm -s x -l u-threshold -d 'No new connections from this many on; default 0: no limit' -r -f
complete -c ipvsadm -s y -l l-threshold -d 'New connections again below this many; default 0: 3/4 of -x' -r -f
complete -c ipvsadm -l mcast-interface -d 'The interface to multicast on; default eth0' -r -f
complete -c ipvsadm -l syncid -d 'The group of directors, 0 to 255; default 0' -r -f
complete -c ipvsadm -l sync-maxlen -d 'The longest message, 1 to 65507; default: what fits into one packet' -r -f
complete -c ipvsadm -l mcast-group -d 'The multicast group, IPv4 or IPv6; default 224.0.0.81' -r -f
complete -c ipvsadm -l mcast-port -d 'The UDP port; default 8848' -r -f
complete -c ipvsadm -l mcast-ttl -d 'The time to live, 1 to 255; default 1' -r -f
complete -c ipvsadm -l apply -d 'Make the table be what a saved one says, with the fewest changes; -: standard input' -r -F
complete -c ipvsadm -l watch -d 'The table again and again, full-screen on a terminal; default 2 s; alone or with -L' -r -f
complete -c ipvsadm -l filter -d 'Only connections of service=HOST[:PORT], server=HOST[:PORT], client=HOST[/LENGTH], state=NAME; with commas' -r -f
complete -c ipvsadm -l drain -d 'With -d, -D, -e, --apply: weight 0, wait for active connections to end, but not longer' -r -f
complete -c ipvsadm -s A -l add-service -d 'Add a service'
complete -c ipvsadm -s E -l edit-service -d 'Replace all settings of a service'
complete -c ipvsadm -s D -l delete-service -d 'Delete a service and its real servers'
complete -c ipvsadm -s C -l clear -d 'Delete all services'
complete -c ipvsadm -s R -l restore -d 'Run the commands on standard input'
complete -c ipvsadm -s S -l save -d 'Print the commands that rebuild the table'
complete -c ipvsadm -s a -l add-server -d 'Add a real server to a service'
complete -c ipvsadm -s e -l edit-server -d 'Replace all settings of a real server'
complete -c ipvsadm -s d -l delete-server -d 'Delete a real server'
complete -c ipvsadm -s L -l list -d 'List the table, or what an option asks for; also -l'
complete -c ipvsadm -s Z -l zero -d 'Set the counters of a service, or of all, to zero'
complete -c ipvsadm -l set -d 'Set the timeouts TCP TCPFIN UDP in seconds; 0 keeps one'
complete -c ipvsadm -s h -l help -d 'Print this text'
complete -c ipvsadm -s v -l version -d 'Print the version'
complete -c ipvsadm -s 6 -l ipv6 -d 'The marked packets are IPv6; after -f'
complete -c ipvsadm -s o -l ops -d 'Schedule each UDP packet by itself'
complete -c ipvsadm -s g -l gatewaying -d 'Direct routing (LVS-DR); the default'
complete -c ipvsadm -s i -l ipip -d 'Tunneling (LVS-TUN)'
complete -c ipvsadm -s m -l masquerading -d 'Network address translation (LVS-NAT)'
complete -c ipvsadm -l tun-nocsum -d 'No checksum in a gue or gre tunnel; the default'
complete -c ipvsadm -l tun-csum -d 'A checksum in a gue or gre tunnel'
complete -c ipvsadm -l tun-remcsum -d 'Remote checksum offload in a gue tunnel'
complete -c ipvsadm -s n -l numeric -d 'No names (also with -S)'
complete -c ipvsadm -s c -l connection -d 'The connections'
complete -c ipvsadm -l stats -d 'Counters'
complete -c ipvsadm -l rate -d 'Rates per second'
complete -c ipvsadm -l thresholds -d 'Thresholds'
complete -c ipvsadm -l persistent-conn -d 'Persistent connections; with -c, what the engine knows'
complete -c ipvsadm -l tun-info -d 'Kinds of tunnel'
complete -c ipvsadm -l timeout -d 'The timeouts'
complete -c ipvsadm -l daemon -d 'The synchronisation daemons'
complete -c ipvsadm -s X -l exact -d 'Counters in full, without K, M, G, T'
complete -c ipvsadm -l nosort -d 'In the kernel\'s order'
complete -c ipvsadm -l sort -d 'Sorted; the default'
complete -c ipvsadm -l undrain -d 'Give a service\'s drained real servers, or the one of -r, their weight back'
complete -c ipvsadm -l json -d 'As a JSON document; alone or with any listing'
complete -c ipvsadm -l metrics -d 'The table and its counters as Prometheus text; alone or with -L'
complete -c ipvsadm -l pretty -d 'The table with lines, bars and, on a terminal, colours; alone or with -L'
complete -c ipvsadm -l status -d 'The state of IPVS in the kernel; alone or with -L'
complete -c ipvsadm -l count -d 'How many connections, by real server and state'
complete -c ipvsadm -l keep -d 'With -e, -E: edit only what is named, keep the rest'
complete -c ipvsadm -l dry-run -d 'With --apply: only print the commands that it would run'
complete -c ipvsadm -l verbose -d 'With -R: tell the line of each problem, as is done on a terminal'
complete -c ipvsadm -l strict -d 'With -R: check all lines before the first is run, and fail if any fails'
