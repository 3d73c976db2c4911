# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_lvs_director_global_optspecs
    string join \n h/help V/version
end

function __fish_lvs_director_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_lvs_director_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_lvs_director_using_subcommand
    set -l cmd (__fish_lvs_director_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c lvs-director -n "__fish_lvs_director_needs_command" -s h -l help -d 'Print help'
complete -c lvs-director -n "__fish_lvs_director_needs_command" -s V -l version -d 'Print version'
complete -c lvs-director -n "__fish_lvs_director_needs_command" -f -a "check" -d 'Tell all that is wrong with a configuration'
complete -c lvs-director -n "__fish_lvs_director_needs_command" -f -a "run" -d 'Keep the addresses and the table as a configuration says'
complete -c lvs-director -n "__fish_lvs_director_needs_command" -f -a "status" -d 'Tell how the director, its addresses and its servers are'
complete -c lvs-director -n "__fish_lvs_director_needs_command" -f -a "failover" -d 'Give up being master'
complete -c lvs-director -n "__fish_lvs_director_needs_command" -f -a "reload" -d 'Read the configuration again, and tell what is wrong with it'
complete -c lvs-director -n "__fish_lvs_director_needs_command" -f -a "drain" -d 'Send a server no new clients'
complete -c lvs-director -n "__fish_lvs_director_needs_command" -f -a "disable" -d 'Take a server out of the table, whatever its checks say'
complete -c lvs-director -n "__fish_lvs_director_needs_command" -f -a "enable" -d 'Take back what was ordered of a server'
complete -c lvs-director -n "__fish_lvs_director_needs_command" -f -a "weight" -d 'Give a server another weight while it is up'
complete -c lvs-director -n "__fish_lvs_director_needs_command" -f -a "show" -d 'Print what a configuration means, with all defaults filled in'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand check" -s f -l use-file -d 'The configuration' -r -F
complete -c lvs-director -n "__fish_lvs_director_using_subcommand check" -s i -l config-id -d 'What @ID in the file is compared with; the name of the host otherwise' -r
complete -c lvs-director -n "__fish_lvs_director_using_subcommand check" -l json -d 'Answer in JSON'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand check" -l file-only -d 'Look at the file alone: not whether this machine has the interfaces, scripts and accounts'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand check" -s h -l help -d 'Print help'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s t -l config-test -d 'As `lvs-director check`; answer in a file' -r -F
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s S -l log-facility -d 'Log to syslog: daemon, user, local0 to local7, or 0 to 7 for those' -r
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s g -l log-file -d 'Log to a file' -r -F
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s p -l pid -d 'Where the number of the process is written' -r -F
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s r -l vrrp_pid -d 'The same of lvs-vrrp' -r -F
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s c -l checkers_pid -d 'The same of lvs-check' -r -F
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -l slow-start -d 'Let the weight of a server that comes back grow so long' -r
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s u -l umask -d 'What the mode of new files lacks, in octal' -r
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s s -l namespace -d 'Do all in this network namespace' -r
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -l programs -d 'Where lvs-check and lvs-vrrp are; otherwise beside this program' -r -f -a "(__fish_complete_directories)"
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s A -l snmp-agent-socket -d 'No effect: there is no SNMP' -r -F
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s b -l bfd_pid -d 'No effect: there is no BFD' -r -F
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s M -l core-dump-pattern -d 'No effect: it is the machine\'s, kernel.core_pattern' -r
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s f -l use-file -d 'The configuration' -r -F
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s i -l config-id -d 'What @ID in the file is compared with; the name of the host otherwise' -r
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s n -l dont-fork -d 'Stay in the foreground, which is the default'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -l daemon -d 'Go to the background when all runs'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s l -l log-console -d 'Log to standard error, wherever else'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s G -l no-syslog -d 'Do not log to syslog'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s P -l vrrp -d 'Only the addresses, not the table'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s C -l check -d 'Only the table, not the addresses'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s R -l dont-respawn -d 'Start nothing again that has ended; end'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s I -l dont-release-ipvs -d 'Leave the table at the end'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s m -l core-dump -d 'Let processes leave core files'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s v -l version -d 'Print the version'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s D -l log-detail -d 'No effect: all is logged'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s d -l dump-conf -d 'No effect: `lvs-director show` prints it'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -l flush-log-file -d 'No effect: it is always flushed'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s a -l address-monitoring -d 'No effect: what others do to addresses is not logged'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s B -l no_bfd -d 'No effect: there is no BFD'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -l all -d 'No effect: programs start when there is something for them'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s X -l release-vips -d 'No effect: who is not master has none'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s V -l dont-release-vrrp -d 'No effect: addresses go at the end'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s x -l snmp -d 'No effect: there is no SNMP'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand run" -s h -l help -d 'Print help'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand status" -l is-master -d 'Only say by the exit status whether it is master: 0 yes, 1 no' -r
complete -c lvs-director -n "__fish_lvs_director_using_subcommand status" -s s -l namespace -d 'Ask the one in this network namespace' -r
complete -c lvs-director -n "__fish_lvs_director_using_subcommand status" -l json -d 'Answer in JSON'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand status" -l metrics -d 'Answer in the text format of Prometheus'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand status" -s h -l help -d 'Print help'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand failover" -s s -l namespace -d 'Ask the one in this network namespace' -r
complete -c lvs-director -n "__fish_lvs_director_using_subcommand failover" -s h -l help -d 'Print help'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand reload" -s s -l namespace -d 'Ask the one in this network namespace' -r
complete -c lvs-director -n "__fish_lvs_director_using_subcommand reload" -s h -l help -d 'Print help'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand drain" -s s -l namespace -d 'Ask the one in this network namespace' -r
complete -c lvs-director -n "__fish_lvs_director_using_subcommand drain" -l persist -d 'Also after the machine\'s next start'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand drain" -s h -l help -d 'Print help'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand disable" -s s -l namespace -d 'Ask the one in this network namespace' -r
complete -c lvs-director -n "__fish_lvs_director_using_subcommand disable" -l persist -d 'Also after the machine\'s next start'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand disable" -s h -l help -d 'Print help'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand enable" -s s -l namespace -d 'Ask the one in this network namespace' -r
complete -c lvs-director -n "__fish_lvs_director_using_subcommand enable" -l persist -d 'Also after the machine\'s next start'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand enable" -s h -l help -d 'Print help'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand weight" -s s -l namespace -d 'Ask the one in this network namespace' -r
complete -c lvs-director -n "__fish_lvs_director_using_subcommand weight" -l persist -d 'Also after the machine\'s next start'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand weight" -s h -l help -d 'Print help'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand show" -s f -l use-file -d 'The configuration' -r -F
complete -c lvs-director -n "__fish_lvs_director_using_subcommand show" -s i -l config-id -d 'What @ID in the file is compared with; the name of the host otherwise' -r
complete -c lvs-director -n "__fish_lvs_director_using_subcommand show" -l json -d 'Answer in JSON'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand show" -s h -l help -d 'Print help'
