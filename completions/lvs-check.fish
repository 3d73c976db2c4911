# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_lvs_check_global_optspecs
    string join \n h/help V/version
end

function __fish_lvs_check_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_lvs_check_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_lvs_check_using_subcommand
    set -l cmd (__fish_lvs_check_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c lvs-check -n "__fish_lvs_check_needs_command" -s h -l help -d 'Print help'
complete -c lvs-check -n "__fish_lvs_check_needs_command" -s V -l version -d 'Print version'
complete -c lvs-check -n "__fish_lvs_check_needs_command" -f -a "tcp" -d 'Whether a connection is accepted'
complete -c lvs-check -n "__fish_lvs_check_needs_command" -f -a "http" -d 'Whether pages are as they should'
complete -c lvs-check -n "__fish_lvs_check_needs_command" -f -a "https" -d 'The same over TLS'
complete -c lvs-check -n "__fish_lvs_check_needs_command" -f -a "smtp" -d 'Whether a mail server greets'
complete -c lvs-check -n "__fish_lvs_check_needs_command" -f -a "dns" -d 'Whether a name server answers'
complete -c lvs-check -n "__fish_lvs_check_needs_command" -f -a "udp" -d 'Whether a datagram is taken'
complete -c lvs-check -n "__fish_lvs_check_needs_command" -f -a "ping" -d 'Whether an echo comes'
complete -c lvs-check -n "__fish_lvs_check_needs_command" -f -a "misc" -d 'Whether a program ends well'
complete -c lvs-check -n "__fish_lvs_check_needs_command" -f -a "file" -d 'Whether a file says so'
complete -c lvs-check -n "__fish_lvs_check_needs_command" -f -a "digest" -d 'Print the MD5 digest of a page, as genhash does'
complete -c lvs-check -n "__fish_lvs_check_needs_command" -f -a "once" -d 'Check all servers of a table, once'
complete -c lvs-check -n "__fish_lvs_check_needs_command" -f -a "run" -d 'Check all servers of a table again and again'
complete -c lvs-check -n "__fish_lvs_check_needs_command" -f -a "status" -d 'Ask the loop how services and servers are'
complete -c lvs-check -n "__fish_lvs_check_needs_command" -f -a "drain" -d 'Have the loop give a server weight 0'
complete -c lvs-check -n "__fish_lvs_check_needs_command" -f -a "disable" -d 'Have the loop keep a server out of the table'
complete -c lvs-check -n "__fish_lvs_check_needs_command" -f -a "enable" -d 'Take back what was ordered of a server'
complete -c lvs-check -n "__fish_lvs_check_needs_command" -f -a "weight" -d 'Have the loop give a server another weight'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand tcp" -l timeout -d 'How long one try may take in all (5)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand tcp" -l retry -d 'How often to try again before it is down (0)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand tcp" -l retry-delay -d 'How long to wait before that (1)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand tcp" -l connect-ip -d 'Ask there, not at the target\'s address' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand tcp" -l connect-port -d 'Ask there, not at the target\'s port' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand tcp" -l bind -d 'Ask from this address' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand tcp" -l bind-port -d 'Ask from this port' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand tcp" -l bind-if -d 'Ask through this interface' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand tcp" -l fwmark -d 'Mark the packets' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand tcp" -l json -d 'Answer in JSON'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand tcp" -s h -l help -d 'Print help'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand http" -l timeout -d 'How long one try may take in all (5)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand http" -l retry -d 'How often to try again before it is down (0)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand http" -l retry-delay -d 'How long to wait before that (1)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand http" -l connect-ip -d 'Ask there, not at the target\'s address' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand http" -l connect-port -d 'Ask there, not at the target\'s port' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand http" -l bind -d 'Ask from this address' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand http" -l bind-port -d 'Ask from this port' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand http" -l bind-if -d 'Ask through this interface' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand http" -l fwmark -d 'Mark the packets' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand http" -l path -d 'A page (/); what is said behind it is of this page' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand http" -l virtualhost -d 'The Host header, and the name in TLS' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand http" -l status -d 'Statuses that are right, as 200-299,404 (200-299)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand http" -l digest -d 'The MD5 digest of the page' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand http" -l regex -d 'What must be in the page' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand http" -l regex-no-match -d 'What must not be in the page' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand http" -l regex-min-offset -d 'At which byte a match may begin, from' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand http" -l regex-max-offset -d 'At which byte a match may begin, to' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand http" -l http-version -d '1.0, 1.0C (with Connection: close) or 1.1 (1.0)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand http" -l json -d 'Answer in JSON'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand http" -s h -l help -d 'Print help'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l timeout -d 'How long one try may take in all (5)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l retry -d 'How often to try again before it is down (0)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l retry-delay -d 'How long to wait before that (1)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l connect-ip -d 'Ask there, not at the target\'s address' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l connect-port -d 'Ask there, not at the target\'s port' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l bind -d 'Ask from this address' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l bind-port -d 'Ask from this port' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l bind-if -d 'Ask through this interface' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l fwmark -d 'Mark the packets' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l path -d 'A page (/); what is said behind it is of this page' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l virtualhost -d 'The Host header, and the name in TLS' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l status -d 'Statuses that are right, as 200-299,404 (200-299)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l digest -d 'The MD5 digest of the page' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l regex -d 'What must be in the page' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l regex-no-match -d 'What must not be in the page' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l regex-min-offset -d 'At which byte a match may begin, from' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l regex-max-offset -d 'At which byte a match may begin, to' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l http-version -d '1.0, 1.0C (with Connection: close) or 1.1 (1.0)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l sni -d 'The name in TLS, where it is another' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l ca -d 'Have it checked against the certificates in this file' -r -F
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l certificate -d 'What the server is shown' -r -F
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l key -d 'Its key, where that is in another file' -r -F
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l no-sni -d 'Tell no name in TLS'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l verify -d 'Have the certificate checked'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -l json -d 'Answer in JSON'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand https" -s h -l help -d 'Print help'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand smtp" -l timeout -d 'How long one try may take in all (5)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand smtp" -l retry -d 'How often to try again before it is down (0)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand smtp" -l retry-delay -d 'How long to wait before that (1)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand smtp" -l connect-ip -d 'Ask there, not at the target\'s address' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand smtp" -l connect-port -d 'Ask there, not at the target\'s port' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand smtp" -l bind -d 'Ask from this address' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand smtp" -l bind-port -d 'Ask from this port' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand smtp" -l bind-if -d 'Ask through this interface' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand smtp" -l fwmark -d 'Mark the packets' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand smtp" -l helo -d 'Who is said to ask (this host\'s name)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand smtp" -l json -d 'Answer in JSON'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand smtp" -s h -l help -d 'Print help'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand dns" -l timeout -d 'How long one try may take in all (5)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand dns" -l retry -d 'How often to try again before it is down (0)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand dns" -l retry-delay -d 'How long to wait before that (1)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand dns" -l connect-ip -d 'Ask there, not at the target\'s address' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand dns" -l connect-port -d 'Ask there, not at the target\'s port' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand dns" -l bind -d 'Ask from this address' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand dns" -l bind-port -d 'Ask from this port' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand dns" -l bind-if -d 'Ask through this interface' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand dns" -l fwmark -d 'Mark the packets' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand dns" -l type -d 'A, NS, CNAME, SOA, MX, TXT, AAAA, RRSIG or DNSKEY (SOA)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand dns" -l name -d 'The name that is asked for (.)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand dns" -l json -d 'Answer in JSON'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand dns" -s h -l help -d 'Print help'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand udp" -l timeout -d 'How long one try may take in all (5)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand udp" -l retry -d 'How often to try again before it is down (0)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand udp" -l retry-delay -d 'How long to wait before that (1)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand udp" -l connect-ip -d 'Ask there, not at the target\'s address' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand udp" -l connect-port -d 'Ask there, not at the target\'s port' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand udp" -l bind -d 'Ask from this address' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand udp" -l bind-port -d 'Ask from this port' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand udp" -l bind-if -d 'Ask through this interface' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand udp" -l fwmark -d 'Mark the packets' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand udp" -l payload -d 'What is sent (8 random bytes)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand udp" -l require-reply -d 'A reply must come, and begin so; x is any digit' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand udp" -l min-reply-length -d 'How long a reply must be (0)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand udp" -l max-reply-length -d 'How long a reply may be (255)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand udp" -l json -d 'Answer in JSON'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand udp" -s h -l help -d 'Print help'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand ping" -l timeout -d 'How long one try may take in all (5)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand ping" -l retry -d 'How often to try again before it is down (0)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand ping" -l retry-delay -d 'How long to wait before that (1)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand ping" -l connect-ip -d 'Ask there, not at the target\'s address' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand ping" -l connect-port -d 'Ask there, not at the target\'s port' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand ping" -l bind -d 'Ask from this address' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand ping" -l bind-port -d 'Ask from this port' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand ping" -l bind-if -d 'Ask through this interface' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand ping" -l fwmark -d 'Mark the packets' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand ping" -l size -d 'The payload of the echo (56)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand ping" -l json -d 'Answer in JSON'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand ping" -s h -l help -d 'Print help'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand misc" -l timeout -d 'How long one try may take in all (5)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand misc" -l retry -d 'How often to try again before it is down (0)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand misc" -l retry-delay -d 'How long to wait before that (1)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand misc" -l user -d 'Run the program as this user' -r -f -a "(__fish_complete_users)"
complete -c lvs-check -n "__fish_lvs_check_using_subcommand misc" -l dynamic -d 'Exit status 2 to 255: up, with a weight of 0 to 253'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand misc" -l json -d 'Answer in JSON'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand misc" -s h -l help -d 'Print help'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand file" -l timeout -d 'How long one try may take in all (5)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand file" -l retry -d 'How often to try again before it is down (0)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand file" -l retry-delay -d 'How long to wait before that (1)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand file" -l factor -d 'Up; N times the number is added to the weight' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand file" -l json -d 'Answer in JSON'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand file" -s h -l help -d 'Print help'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand digest" -l timeout -d 'How long one try may take in all (5)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand digest" -l connect-ip -d 'Ask there, not at the target\'s address' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand digest" -l connect-port -d 'Ask there, not at the target\'s port' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand digest" -l bind -d 'Ask from this address' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand digest" -l bind-port -d 'Ask from this port' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand digest" -l bind-if -d 'Ask through this interface' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand digest" -l fwmark -d 'Mark the packets' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand digest" -l virtualhost -d 'The Host header, and the name in TLS' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand digest" -l http-version -d '1.0, 1.0C (with Connection: close) or 1.1 (1.0)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand digest" -l sni -d 'The name in TLS, where it is another' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand digest" -l ca -d 'Have it checked against the certificates in this file' -r -F
complete -c lvs-check -n "__fish_lvs_check_using_subcommand digest" -l certificate -d 'What the server is shown' -r -F
complete -c lvs-check -n "__fish_lvs_check_using_subcommand digest" -l key -d 'Its key, where that is in another file' -r -F
complete -c lvs-check -n "__fish_lvs_check_using_subcommand digest" -l no-sni -d 'Tell no name in TLS'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand digest" -l verify -d 'Have the certificate checked'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand digest" -s h -l help -d 'Print help'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -s f -l use-file -d 'The services, servers and checks of a keepalived.conf' -r -F
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l rules -d 'The table that shall be, as ipvsadm -S writes it' -r -F
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l with -d 'tcp, http[:PATH], https[:PATH], smtp, dns, udp, ping, misc:COMMAND, file:FILE' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l sorry -d 'What stands in for servers that are not enough' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l quorum -d 'The sum of weights that is enough (1)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l hysteresis -d 'How much more to have enough again, how much less to lose it (0)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l rise -d 'How many good checks in a row make a server up (1)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l fall -d 'How many bad checks in a row make a server down (1)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l timeout -d 'How long one try may take in all (5)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l retry -d 'How often to try again before it is down (0)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l retry-delay -d 'How long to wait before that (1)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l connect-ip -d 'Ask there, not at the target\'s address' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l connect-port -d 'Ask there, not at the target\'s port' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l bind -d 'Ask from this address' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l bind-port -d 'Ask from this port' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l bind-if -d 'Ask through this interface' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l fwmark -d 'Mark the packets' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l path -d 'A page (/); what is said behind it is of this page' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l virtualhost -d 'The Host header, and the name in TLS' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l status -d 'Statuses that are right, as 200-299,404 (200-299)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l digest -d 'The MD5 digest of the page' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l regex -d 'What must be in the page' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l regex-no-match -d 'What must not be in the page' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l regex-min-offset -d 'At which byte a match may begin, from' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l regex-max-offset -d 'At which byte a match may begin, to' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l http-version -d '1.0, 1.0C (with Connection: close) or 1.1 (1.0)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l sni -d 'The name in TLS, where it is another' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l ca -d 'Have it checked against the certificates in this file' -r -F
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l certificate -d 'What the server is shown' -r -F
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l key -d 'Its key, where that is in another file' -r -F
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l helo -d 'Who is said to ask (this host\'s name)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l type -d 'A, NS, CNAME, SOA, MX, TXT, AAAA, RRSIG or DNSKEY (SOA)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l name -d 'The name that is asked for (.)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l payload -d 'What is sent (8 random bytes)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l require-reply -d 'A reply must come, and begin so; x is any digit' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l min-reply-length -d 'How long a reply must be (0)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l max-reply-length -d 'How long a reply may be (255)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l size -d 'The payload of the echo (56)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l user -d 'Run the program as this user' -r -f -a "(__fish_complete_users)"
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l factor -d 'Up; N times the number is added to the weight' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l table -d 'The table that is, and what was taken out of it'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l apply -d 'Change the table'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l inhibit -d 'Weight 0 for what is down, do not delete it'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l quiet -d 'Tell only changes and problems'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l metrics -d 'Answer in Prometheus text'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l no-sni -d 'Tell no name in TLS'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l verify -d 'Have the certificate checked'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l dynamic -d 'Exit status 2 to 255: up, with a weight of 0 to 253'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -l json -d 'Answer in JSON'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand once" -s h -l help -d 'Print help'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l rules -d 'The table that shall be, as ipvsadm -S writes it' -r -F
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l with -d 'tcp, http[:PATH], https[:PATH], smtp, dns, udp, ping, misc:COMMAND, file:FILE' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l sorry -d 'What stands in for servers that are not enough' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l quorum -d 'The sum of weights that is enough (1)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l hysteresis -d 'How much more to have enough again, how much less to lose it (0)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l rise -d 'How many good checks in a row make a server up (1)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l fall -d 'How many bad checks in a row make a server down (1)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l delay -d 'From one check to the next (6)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l slow-start -d 'Let the weight of a server that comes back grow so long' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l notify-up -d 'Start this when a server is up' -r -f -a "(__fish_complete_command)"
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l notify-down -d 'Start this when a server is down' -r -f -a "(__fish_complete_command)"
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l quorum-up -d 'Start this when a service has enough servers' -r -f -a "(__fish_complete_command)"
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l quorum-down -d 'Start this when it has not' -r -f -a "(__fish_complete_command)"
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l timeout -d 'How long one try may take in all (5)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l retry-delay -d 'How long to wait before that (1)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l connect-ip -d 'Ask there, not at the target\'s address' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l connect-port -d 'Ask there, not at the target\'s port' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l bind -d 'Ask from this address' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l bind-port -d 'Ask from this port' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l bind-if -d 'Ask through this interface' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l fwmark -d 'Mark the packets' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l path -d 'A page (/); what is said behind it is of this page' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l virtualhost -d 'The Host header, and the name in TLS' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l status -d 'Statuses that are right, as 200-299,404 (200-299)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l digest -d 'The MD5 digest of the page' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l regex -d 'What must be in the page' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l regex-no-match -d 'What must not be in the page' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l regex-min-offset -d 'At which byte a match may begin, from' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l regex-max-offset -d 'At which byte a match may begin, to' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l http-version -d '1.0, 1.0C (with Connection: close) or 1.1 (1.0)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l sni -d 'The name in TLS, where it is another' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l ca -d 'Have it checked against the certificates in this file' -r -F
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l certificate -d 'What the server is shown' -r -F
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l key -d 'Its key, where that is in another file' -r -F
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l helo -d 'Who is said to ask (this host\'s name)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l type -d 'A, NS, CNAME, SOA, MX, TXT, AAAA, RRSIG or DNSKEY (SOA)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l name -d 'The name that is asked for (.)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l payload -d 'What is sent (8 random bytes)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l require-reply -d 'A reply must come, and begin so; x is any digit' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l min-reply-length -d 'How long a reply must be (0)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l max-reply-length -d 'How long a reply may be (255)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l size -d 'The payload of the echo (56)' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l user -d 'Run the program as this user' -r -f -a "(__fish_complete_users)"
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l factor -d 'Up; N times the number is added to the weight' -r -f
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -s f -l use-file -d 'The services, servers and checks of a keepalived.conf' -r -F
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l control -d 'The socket of the loop, if not the usual one' -r -F
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l table -d 'The table that is, and what was taken out of it'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l inhibit -d 'Weight 0 for what is down, do not delete it'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l no-alpha -d 'Have servers in the table before they are checked, as keepalived does'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l remove -d 'Delete the services at the end'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l keep -d 'Leave the services of a configuration at the end'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l no-sni -d 'Tell no name in TLS'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l verify -d 'Have the certificate checked'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -l dynamic -d 'Exit status 2 to 255: up, with a weight of 0 to 253'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand run" -s h -l help -d 'Print help'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand status" -l control -d 'The socket of the loop, if not the usual one' -r -F
complete -c lvs-check -n "__fish_lvs_check_using_subcommand status" -l json -d 'Answer in JSON'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand status" -l metrics -d 'Answer in Prometheus text'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand status" -s h -l help -d 'Print help'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand drain" -l control -d 'The socket of the loop, if not the usual one' -r -F
complete -c lvs-check -n "__fish_lvs_check_using_subcommand drain" -l persist -d 'Also after the machine\'s next start'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand drain" -s h -l help -d 'Print help'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand disable" -l control -d 'The socket of the loop, if not the usual one' -r -F
complete -c lvs-check -n "__fish_lvs_check_using_subcommand disable" -l persist -d 'Also after the machine\'s next start'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand disable" -s h -l help -d 'Print help'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand enable" -l control -d 'The socket of the loop, if not the usual one' -r -F
complete -c lvs-check -n "__fish_lvs_check_using_subcommand enable" -s h -l help -d 'Print help'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand weight" -l control -d 'The socket of the loop, if not the usual one' -r -F
complete -c lvs-check -n "__fish_lvs_check_using_subcommand weight" -l persist -d 'Also after the machine\'s next start'
complete -c lvs-check -n "__fish_lvs_check_using_subcommand weight" -s h -l help -d 'Print help'
