# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_lvs_realserver_global_optspecs
    string join \n h/help V/version
end

function __fish_lvs_realserver_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_lvs_realserver_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_lvs_realserver_using_subcommand
    set -l cmd (__fish_lvs_realserver_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c lvs-realserver -n "__fish_lvs_realserver_needs_command" -s h -l help -d 'Print help'
complete -c lvs-realserver -n "__fish_lvs_realserver_needs_command" -s V -l version -d 'Print version'
complete -c lvs-realserver -n "__fish_lvs_realserver_needs_command" -f -a "start" -d 'Quieten ARP, then put the VIPs in place'
complete -c lvs-realserver -n "__fish_lvs_realserver_needs_command" -f -a "stop" -d 'Take the VIPs away, then put back what was there before'
complete -c lvs-realserver -n "__fish_lvs_realserver_needs_command" -f -a "status" -d 'Tell whether the VIPs are in place, and what is missing'
complete -c lvs-realserver -n "__fish_lvs_realserver_needs_command" -f -a "verify" -d 'Tell whether anybody would hear of the VIPs by ARP, and what is wrong'
complete -c lvs-realserver -n "__fish_lvs_realserver_using_subcommand start" -l mode -d 'How the director forwards: dr (direct routing, the default) or tun (tunnelling)' -r -f -a "dr\t''
tun\t''"
complete -c lvs-realserver -n "__fish_lvs_realserver_using_subcommand start" -l dev -d 'Where the VIPs are: lo, or with tun the tunnel\'s end (tunl0, ip6tnl0)' -r -f
complete -c lvs-realserver -n "__fish_lvs_realserver_using_subcommand start" -l label -d 'What ifconfig calls the first VIP of IPv4: DEVICE:0 and on, the first that is free' -r -f
complete -c lvs-realserver -n "__fish_lvs_realserver_using_subcommand start" -l clamp-mss -d 'With tun: have clients send segments that fit into the tunnel' -r
complete -c lvs-realserver -n "__fish_lvs_realserver_using_subcommand start" -l state -d 'Where to remember what was there before (below /run/lvskit)' -r -F
complete -c lvs-realserver -n "__fish_lvs_realserver_using_subcommand start" -l dry-run -d 'Tell what would be done, and do nothing'
complete -c lvs-realserver -n "__fish_lvs_realserver_using_subcommand start" -l persist -d 'Have it so after a boot, too: write to /etc/sysctl.d and a unit of systemd'
complete -c lvs-realserver -n "__fish_lvs_realserver_using_subcommand start" -l rc-local -d 'With --persist: a line of /etc/rc.local, no unit'
complete -c lvs-realserver -n "__fish_lvs_realserver_using_subcommand start" -l json -d 'Answer in JSON'
complete -c lvs-realserver -n "__fish_lvs_realserver_using_subcommand start" -s h -l help -d 'Print help'
complete -c lvs-realserver -n "__fish_lvs_realserver_using_subcommand stop" -l state -d 'Where to remember what was there before (below /run/lvskit)' -r -F
complete -c lvs-realserver -n "__fish_lvs_realserver_using_subcommand stop" -l dry-run -d 'Tell what would be done, and do nothing'
complete -c lvs-realserver -n "__fish_lvs_realserver_using_subcommand stop" -l unpersist -d 'Remove what --persist wrote'
complete -c lvs-realserver -n "__fish_lvs_realserver_using_subcommand stop" -l json -d 'Answer in JSON'
complete -c lvs-realserver -n "__fish_lvs_realserver_using_subcommand stop" -s h -l help -d 'Print help'
complete -c lvs-realserver -n "__fish_lvs_realserver_using_subcommand status" -l mode -d 'How the director forwards: dr (direct routing, the default) or tun (tunnelling)' -r -f -a "dr\t''
tun\t''"
complete -c lvs-realserver -n "__fish_lvs_realserver_using_subcommand status" -l dev -d 'Where the VIPs are: lo, or with tun the tunnel\'s end (tunl0, ip6tnl0)' -r -f
complete -c lvs-realserver -n "__fish_lvs_realserver_using_subcommand status" -l state -d 'Where to remember what was there before (below /run/lvskit)' -r -F
complete -c lvs-realserver -n "__fish_lvs_realserver_using_subcommand status" -l json -d 'Answer in JSON'
complete -c lvs-realserver -n "__fish_lvs_realserver_using_subcommand status" -s h -l help -d 'Print help'
complete -c lvs-realserver -n "__fish_lvs_realserver_using_subcommand verify" -l mode -d 'How the director forwards: dr (direct routing, the default) or tun (tunnelling)' -r -f -a "dr\t''
tun\t''"
complete -c lvs-realserver -n "__fish_lvs_realserver_using_subcommand verify" -l state -d 'Where to remember what was there before (below /run/lvskit)' -r -F
complete -c lvs-realserver -n "__fish_lvs_realserver_using_subcommand verify" -l json -d 'Answer in JSON'
complete -c lvs-realserver -n "__fish_lvs_realserver_using_subcommand verify" -s h -l help -d 'Print help'
