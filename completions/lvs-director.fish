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
complete -c lvs-director -n "__fish_lvs_director_needs_command" -f -a "show" -d 'Print what a configuration means, with all defaults filled in'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand check" -s f -l use-file -d 'The configuration' -r -F
complete -c lvs-director -n "__fish_lvs_director_using_subcommand check" -s i -l config-id -d 'What @ID in the file is compared with; the name of the host otherwise' -r
complete -c lvs-director -n "__fish_lvs_director_using_subcommand check" -l json -d 'Answer in JSON'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand check" -l file-only -d 'Look at the file alone: not whether this machine has the interfaces, scripts and accounts'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand check" -s h -l help -d 'Print help'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand show" -s f -l use-file -d 'The configuration' -r -F
complete -c lvs-director -n "__fish_lvs_director_using_subcommand show" -s i -l config-id -d 'What @ID in the file is compared with; the name of the host otherwise' -r
complete -c lvs-director -n "__fish_lvs_director_using_subcommand show" -l json -d 'Answer in JSON'
complete -c lvs-director -n "__fish_lvs_director_using_subcommand show" -s h -l help -d 'Print help'
