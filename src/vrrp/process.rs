//! Processes of this machine that are counted (`vrrp_track_process`): which ones are meant, and how
//! many shall run. Pure.

/// What a kernel's short name of a process has at most, in bytes (`TASK_COMM_LEN` less one).
const LONGEST: usize = 15;

/// Which processes are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The name of the program, or its path as it was called.
    pub program: String,
    /// What is known of its arguments.
    pub arguments: Arguments,
}

/// What is known of the arguments of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arguments {
    /// Any.
    Any,
    /// Just these.
    All(Vec<String>),
    /// These are the first ones (`param_match partial`).
    First(Vec<String>),
    /// The same, and the last of these may go on (`param_match initial`).
    Begun(Vec<String>),
}

impl Pattern {
    /// Whether a process is meant: its short name, and the words of its command line, which a process
    /// that has ended has no more.
    pub fn matches(&self, short_name: &str, words: &[&str]) -> bool {
        let Some((called, arguments)) = words.split_first() else {
            return false;
        };
        let program = self.program.as_str();
        let is_program = match program.contains('/') {
            true => *called == program,
            false => {
                let short = program.get(..LONGEST).unwrap_or(program);
                called.rsplit('/').next() == Some(program) || short_name == short
            }
        };
        let same = |wanted: &[String], found: &[&str]| {
            wanted.len() == found.len() && wanted.iter().zip(found).all(|(one, other)| one == other)
        };
        is_program
            && match &self.arguments {
                Arguments::Any => true,
                Arguments::All(wanted) => same(wanted, arguments),
                Arguments::First(wanted) => arguments
                    .get(..wanted.len())
                    .is_some_and(|first| same(wanted, first)),
                Arguments::Begun(wanted) => match wanted.split_last() {
                    None => arguments.is_empty(),
                    Some((last, before)) => {
                        let first = arguments.get(..before.len());
                        let next = arguments.get(before.len());
                        first.is_some_and(|first| same(before, first))
                            && next.is_some_and(|next| next.starts_with(last.as_str()))
                    }
                },
            }
    }
}

/// How many of them shall run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Which ones.
    pub pattern: Pattern,
    /// At least so many (`quorum`).
    pub least: usize,
    /// At most so many (`quorum_max`).
    pub most: Option<usize>,
}

impl Count {
    /// Whether that many are well.
    pub fn is_well(&self, running: usize) -> bool {
        running >= self.least && self.most.is_none_or(|most| running <= most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(program: &str, arguments: Arguments) -> Pattern {
        Pattern {
            program: program.to_owned(),
            arguments,
        }
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn a_program_is_known_by_its_name_or_its_path() {
        let haproxy = pattern("haproxy", Arguments::Any);
        assert!(haproxy.matches("haproxy", &["/usr/sbin/haproxy", "-Ws"]));
        assert!(haproxy.matches("haproxy", &["master"]));
        assert!(!haproxy.matches("haproxy-x", &["/usr/sbin/haproxy-x"]));
        // It has ended, and nobody has looked how.
        assert!(!haproxy.matches("haproxy", &[]));
        let path = pattern("/opt/haproxy", Arguments::Any);
        assert!(path.matches("haproxy", &["/opt/haproxy"]));
        assert!(!path.matches("haproxy", &["/usr/sbin/haproxy"]));
        let long = pattern("a-very-long-daemon", Arguments::Any);
        assert!(long.matches("a-very-long-dae", &["renamed"]));
    }

    #[test]
    fn arguments_are_all_or_the_first_or_begun() {
        let run = ["d", "-c", "/etc/d.conf"];
        for (arguments, expected) in [
            (Arguments::All(words(&["-c", "/etc/d.conf"])), true),
            (Arguments::All(words(&["-c"])), false),
            (Arguments::All(vec![]), false),
            (Arguments::First(words(&["-c"])), true),
            (Arguments::First(words(&["-d"])), false),
            (Arguments::Begun(words(&["-c", "/etc/"])), true),
            (Arguments::Begun(words(&["-c", "/var/"])), false),
            (Arguments::Begun(vec![]), false),
        ] {
            let pattern = pattern("d", arguments.clone());
            assert_eq!(pattern.matches("d", &run), expected, "{arguments:?}");
        }
    }

    #[test]
    fn so_many_and_no_more_shall_run() {
        let count = |least, most| Count {
            pattern: pattern("d", Arguments::Any),
            least,
            most,
        };
        assert!(count(1, None).is_well(1) && !count(1, None).is_well(0));
        assert!(count(0, Some(0)).is_well(0) && !count(0, Some(0)).is_well(1));
    }
}
