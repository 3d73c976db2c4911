# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_lvs_vrrp_global_optspecs
    string join \n h/help
end

function __fish_lvs_vrrp_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_lvs_vrrp_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_lvs_vrrp_using_subcommand
    set -l cmd (__fish_lvs_vrrp_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c lvs-vrrp -n "__fish_lvs_vrrp_needs_command" -s h -l help -d 'Print help'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_needs_command" -f -a "run" -d 'Speak for virtual routers until a signal'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_needs_command" -f -a "elect" -d 'Take part until the role is known: 0 master, 1 backup'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_needs_command" -f -a "advertise" -d 'Send adverts and end'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_needs_command" -f -a "resign" -d 'Ask one that runs to give up being master'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_needs_command" -f -a "status" -d 'Ask those that run what they are'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_needs_command" -f -a "watch" -d 'Print what is heard'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -s p -l priority -d '1 to 255, 255 for the owner of the addresses (100)' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l vip -d 'A virtual address' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l name -d 'What it is called (VI_VRID)' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l vrrp-version -d '2, or 3 (the default for IPv6)' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l advert-int -d 'Between adverts (1): whole seconds in version 2' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l auth -d 'pass:SECRET or ah:SECRET; SECRET: a /FILE, env:NAME, or the text itself' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l unicast-src -d 'The address that adverts come from' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l peer -d 'Send adverts to this one, not to the group' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l preempt-delay -d 'Leave it in peace for so long' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l initial -d 'master or backup: master makes nopreempt void, as in keepalived' -r -f -a "master\t''
backup\t''"
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l track-interface -d 'Fault, or another priority, while it is down' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l track-script -d 'Fault, or another priority, while it fails' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l garp-count -d 'Announcements on becoming master, and again (5)' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l garp-delay -d 'How long after the first ones they are repeated (5); 0: never' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l garp-refresh -d 'Announce so often while master; 0: never' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l garp-refresh-count -d 'How many times then (1)' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l down-timer-adverts -d 'Adverts a master may miss (3)' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l notify -d 'Run on each change, with INSTANCE NAME STATE PRIORITY' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l notify-master -d 'Run on becoming master' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l notify-backup -d 'Run on becoming backup' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l notify-fault -d 'Run on a fault' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l notify-stop -d 'Run at the end' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l fifo -d 'A pipe for a line on each change' -r -F
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l rt-priority -d 'Run before all ordinary processes: 1 to 99' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l log-level -d 'error, warning or info (the default)' -r -f -a "error\t''
warning\t''
info\t''"
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -s i -l interface -d 'The interface of the adverts' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -s I -l vrid -d 'The virtual router: 1 to 255' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -s f -l use-file -d 'As a keepalived.conf says' -r -F
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l v3-checksum-as-v2 -d 'No pseudo-header in the checksum of version 3 over IPv4 (RFC 9568)'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l nopreempt -d 'Leave a running master of lower priority in peace'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l lower-prio-no-advert -d 'Do not answer a master of lower priority'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l vmac -d 'Give the addresses an interface with the MAC of the virtual router'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l no-vip -d 'Do not put up the virtual addresses'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l no-accept -d 'Take no packets to the virtual addresses, by nftables'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l no-swap -d 'Keep all memory from being swapped'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -l json -d 'Tell changes in JSON'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand run" -s h -l help -d 'Print help'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -s p -l priority -d '1 to 255, 255 for the owner of the addresses (100)' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l vip -d 'A virtual address' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l name -d 'What it is called (VI_VRID)' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l vrrp-version -d '2, or 3 (the default for IPv6)' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l advert-int -d 'Between adverts (1): whole seconds in version 2' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l auth -d 'pass:SECRET or ah:SECRET; SECRET: a /FILE, env:NAME, or the text itself' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l unicast-src -d 'The address that adverts come from' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l peer -d 'Send adverts to this one, not to the group' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l preempt-delay -d 'Leave it in peace for so long' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l initial -d 'master or backup: master makes nopreempt void, as in keepalived' -r -f -a "master\t''
backup\t''"
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l track-interface -d 'Fault, or another priority, while it is down' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l track-script -d 'Fault, or another priority, while it fails' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l garp-count -d 'Announcements on becoming master, and again (5)' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l garp-delay -d 'How long after the first ones they are repeated (5); 0: never' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l garp-refresh -d 'Announce so often while master; 0: never' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l garp-refresh-count -d 'How many times then (1)' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l down-timer-adverts -d 'Adverts a master may miss (3)' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l notify -d 'Run on each change, with INSTANCE NAME STATE PRIORITY' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l notify-master -d 'Run on becoming master' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l notify-backup -d 'Run on becoming backup' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l notify-fault -d 'Run on a fault' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l notify-stop -d 'Run at the end' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l fifo -d 'A pipe for a line on each change' -r -F
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l rt-priority -d 'Run before all ordinary processes: 1 to 99' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l log-level -d 'error, warning or info (the default)' -r -f -a "error\t''
warning\t''
info\t''"
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -s i -l interface -d 'The interface of the adverts' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -s I -l vrid -d 'The virtual router: 1 to 255' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -s f -l use-file -d 'As a keepalived.conf says' -r -F
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l v3-checksum-as-v2 -d 'No pseudo-header in the checksum of version 3 over IPv4 (RFC 9568)'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l nopreempt -d 'Leave a running master of lower priority in peace'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l lower-prio-no-advert -d 'Do not answer a master of lower priority'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l vmac -d 'Give the addresses an interface with the MAC of the virtual router'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l no-vip -d 'Do not put up the virtual addresses'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l no-accept -d 'Take no packets to the virtual addresses, by nftables'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l no-swap -d 'Keep all memory from being swapped'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -l json -d 'Tell changes in JSON'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand elect" -s h -l help -d 'Print help'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand advertise" -s p -l priority -d '1 to 255, 255 for the owner of the addresses (100)' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand advertise" -l vip -d 'A virtual address' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand advertise" -l name -d 'What it is called (VI_VRID)' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand advertise" -l vrrp-version -d '2, or 3 (the default for IPv6)' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand advertise" -l advert-int -d 'Between adverts (1): whole seconds in version 2' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand advertise" -l auth -d 'pass:SECRET or ah:SECRET; SECRET: a /FILE, env:NAME, or the text itself' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand advertise" -l unicast-src -d 'The address that adverts come from' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand advertise" -l peer -d 'Send adverts to this one, not to the group' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand advertise" -l count -d 'How many (1)' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand advertise" -s i -l interface -d 'The interface of the adverts' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand advertise" -s I -l vrid -d 'The virtual router: 1 to 255' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand advertise" -s f -l use-file -d 'As a keepalived.conf says' -r -F
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand advertise" -l v3-checksum-as-v2 -d 'No pseudo-header in the checksum of version 3 over IPv4 (RFC 9568)'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand advertise" -s h -l help -d 'Print help'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand resign" -s i -l interface -d 'The interface of the adverts' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand resign" -s I -l vrid -d 'The virtual router: 1 to 255' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand resign" -s 6 -l ipv6 -d 'The one that speaks over IPv6'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand resign" -s h -l help -d 'Print help'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand status" -s i -l interface -d 'The interface of the adverts' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand status" -s I -l vrid -d 'The virtual router: 1 to 255' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand status" -s 6 -l ipv6 -d 'The one that speaks over IPv6'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand status" -l json -d 'In JSON'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand status" -s h -l help -d 'Print help'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand watch" -s i -l interface -d 'The interface of the adverts' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand watch" -s I -l vrid -d 'Of this virtual router only' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand watch" -l for -d 'End after that with a verdict: 0 one master, 3 none, 4 several' -r -f
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand watch" -l json -d 'In JSON'
complete -c lvs-vrrp -n "__fish_lvs_vrrp_using_subcommand watch" -s h -l help -d 'Print help'
