//! The flags of schedulers by their names.

use crate::ipvs::SchedulerFlags;

use super::Problem;

/// Name, flag, and the scheduler that calls it so; none, where all schedulers do.
///
/// In a listing the first name that fits is taken, so that a flag has the name that its
/// scheduler gives it.
const FLAGS: [(&str, SchedulerFlags, Option<&str>); 7] = [
    ("sh-fallback", SchedulerFlags::FLAG_1, Some("sh")),
    ("mh-fallback", SchedulerFlags::FLAG_1, Some("mh")),
    ("flag-1", SchedulerFlags::FLAG_1, None),
    ("sh-port", SchedulerFlags::FLAG_2, Some("sh")),
    ("mh-port", SchedulerFlags::FLAG_2, Some("mh")),
    ("flag-2", SchedulerFlags::FLAG_2, None),
    ("flag-3", SchedulerFlags::FLAG_3, None),
];

/// Reads a list with commas, as `-b` takes it. Empty names are passed over.
///
/// # Errors
/// A name that no scheduler knows, or not this one.
pub fn read(list: &[u8], scheduler: &[u8]) -> Result<SchedulerFlags, Problem> {
    let mut flags = SchedulerFlags::default();
    for name in list.split(|&byte| byte == b',') {
        if name.is_empty() {
            continue;
        }
        let known = FLAGS.iter().find(|(known, ..)| known.as_bytes() == name);
        let problem = match known {
            Some((_, flag, of)) if of.is_none_or(|of| of.as_bytes() == scheduler) => {
                flags.insert(*flag);
                continue;
            }
            Some(_) => "incompatible",
            None => "invalid",
        };
        return Err(Problem::usage(&[
            problem.as_bytes(),
            b" scheduler flag `",
            name,
            b"'",
        ]));
    }
    Ok(flags)
}

/// Writes the flags as a list with commas.
pub fn write(flags: SchedulerFlags, scheduler: &str) -> String {
    let names: Vec<&str> = names(flags, scheduler).collect();
    names.join(",")
}

/// The names of the flags, as their scheduler has them.
pub fn names(flags: SchedulerFlags, scheduler: &str) -> impl Iterator<Item = &'static str> {
    let mut left = flags;
    FLAGS.into_iter().filter_map(move |(name, flag, of)| {
        let named = left.contains(flag) && of.is_none_or(|of| of == scheduler);
        if named {
            left = SchedulerFlags::from_bits(left.bits() & !flag.bits());
        }
        named.then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scheduler_has_its_own_names_and_reads_them_back() {
        for bits in [0x00, 0x08, 0x10, 0x20, 0x18, 0x38] {
            for scheduler in ["sh", "mh", "rr"] {
                let flags = SchedulerFlags::from_bits(bits);
                let list = write(flags, scheduler);
                assert_eq!(
                    read(list.as_bytes(), scheduler.as_bytes()),
                    Ok(flags),
                    "{list}"
                );
            }
        }
        assert_eq!(
            write(SchedulerFlags::from_bits(0x38), "sh"),
            "sh-fallback,sh-port,flag-3"
        );
        assert_eq!(
            write(SchedulerFlags::from_bits(0x38), "rr"),
            "flag-1,flag-2,flag-3"
        );
    }

    #[test]
    fn a_list_of_commas_has_no_flags() {
        assert_eq!(read(b",,", b"rr"), Ok(SchedulerFlags::default()));
    }
}
