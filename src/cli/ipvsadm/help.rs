//! The text of `-h`, and the command as clap knows it, from the table of options.
//!
//! clap does not read the command line: the grammar of popt (`-p` with or without a value, three
//! words behind `--set`, the command first) is not its own. It renders help and completion, and
//! not each time that somebody asks: `help.txt` holds what it rendered, and a test holds
//! `help.txt` to the table.

use clap::{Arg, ArgAction, Command};

use super::VERSION;
use crate::ipvs::rule::options::{OPTIONS, Spec, Value};

const USAGE: &str =
    "  ipvsadm -A|E SERVICE [-s NAME] [-b FLAGS] [-p [SECONDS]] [-M MASK] [--pe NAME] [-o]
               [--keep]
  ipvsadm -D SERVICE [--drain SECONDS]
  ipvsadm -a|e SERVICE -r HOST[:PORT] [-g|-i|-m] [-w WEIGHT] [-x COUNT] [-y COUNT]
               [--tun-type TYPE [--tun-port PORT] [--tun-nocsum|--tun-csum|--tun-remcsum]]
               [--keep]
  ipvsadm -d SERVICE -r HOST[:PORT] [--drain SECONDS]
  ipvsadm -e SERVICE -r HOST[:PORT] --drain SECONDS
  ipvsadm --undrain SERVICE [-r HOST[:PORT]]
  ipvsadm -L [SERVICE] [--stats|--rate|--thresholds|--persistent-conn|--tun-info] [-n] [-X]
               [--sort|--nosort] [--json|--metrics|--pretty|--watch [SECONDS]]
  ipvsadm -L -c [--persistent-conn] [-n] [--filter WHICH] [--count] [--json]
  ipvsadm -L --timeout|--daemon|--status [--json]
  ipvsadm -Z [SERVICE]
  ipvsadm -C
  ipvsadm -S [-n] > FILE
  ipvsadm -R [--strict] [--verbose] < FILE
  ipvsadm --apply FILE|- [--dry-run] [--drain SECONDS]
  ipvsadm --set TCP TCPFIN UDP
  ipvsadm --start-daemon master|backup [--mcast-interface INTERFACE] [--syncid ID]
               [--sync-maxlen BYTES] [--mcast-group ADDRESS] [--mcast-port PORT] [--mcast-ttl TTL]
  ipvsadm --stop-daemon master|backup [--syncid ID]
  ipvsadm -h | -v

SERVICE is -t HOST[:PORT], -u HOST[:PORT], --sctp-service HOST[:PORT] or -f MARK [-6].";

/// The command with all its options, for whoever renders: help and completion.
pub fn command() -> Command {
    Command::new("ipvsadm")
        .about("List and change the IPVS table of the Linux kernel")
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args(OPTIONS.iter().map(argument))
}

fn argument(option: &Spec) -> Arg {
    let letters = option.short.iter().map(|&letter| char::from(letter));
    let mut argument = Arg::new(option.long).long(option.long).help(option.help);
    argument = argument.help_heading(option.group.title());
    for (place, letter) in letters.enumerate() {
        argument = if place == 0 {
            argument.short(letter)
        } else {
            argument.short_alias(letter)
        };
    }
    match option.value {
        Value::None => argument.action(ArgAction::SetTrue),
        Value::Required(name) => argument.value_name(name),
        Value::Optional(name) => argument.value_name(name).num_args(0..=1),
    }
}

/// The options with what they do, as clap renders them.
pub fn render() -> String {
    let template = "{all-args}";
    command().help_template(template).render_help().to_string()
}

/// What [`render`] gave when the table was last changed.
pub const OPTIONS_TEXT: &str = include_str!("help.txt");

/// What `-h` prints: the version, and how to use the program.
pub fn text(program: &str) -> String {
    let usage = USAGE.replace("  ipvsadm", &format!("  {program}"));
    format!("{VERSION}Usage:\n{usage}\n\n{OPTIONS_TEXT}")
}
