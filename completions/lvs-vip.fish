# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_lvs_vip_global_optspecs
    string join \n h/help V/version
end

function __fish_lvs_vip_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_lvs_vip_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_lvs_vip_using_subcommand
    set -l cmd (__fish_lvs_vip_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c lvs-vip -n "__fish_lvs_vip_needs_command" -s h -l help -d 'Print help'
complete -c lvs-vip -n "__fish_lvs_vip_needs_command" -s V -l version -d 'Print version'
complete -c lvs-vip -n "__fish_lvs_vip_needs_command" -f -a "add" -d 'Put the VIPs on the interface, and announce them'
complete -c lvs-vip -n "__fish_lvs_vip_needs_command" -f -a "del" -d 'Take the VIPs away from the interface, or from wherever they are'
complete -c lvs-vip -n "__fish_lvs_vip_needs_command" -f -a "show" -d 'Tell where the VIPs are'
complete -c lvs-vip -n "__fish_lvs_vip_using_subcommand add" -l dev -d 'The interface that has them' -r -f
complete -c lvs-vip -n "__fish_lvs_vip_using_subcommand add" -l label -d 'What ifconfig calls those of IPv4, as eth0:0' -r -f
complete -c lvs-vip -n "__fish_lvs_vip_using_subcommand add" -l announce -d 'How often the network is told of each, 0 to 255' -r -f
complete -c lvs-vip -n "__fish_lvs_vip_using_subcommand add" -s h -l help -d 'Print help'
complete -c lvs-vip -n "__fish_lvs_vip_using_subcommand del" -l dev -d 'The interface that has them' -r -f
complete -c lvs-vip -n "__fish_lvs_vip_using_subcommand del" -s h -l help -d 'Print help'
complete -c lvs-vip -n "__fish_lvs_vip_using_subcommand show" -l dev -d 'The interface that has them' -r -f
complete -c lvs-vip -n "__fish_lvs_vip_using_subcommand show" -l json -d 'Answer in JSON'
complete -c lvs-vip -n "__fish_lvs_vip_using_subcommand show" -s h -l help -d 'Print help'
