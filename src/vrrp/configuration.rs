//! All that one process speaks for: virtual routers, alone or in groups that move together, and
//! what of that another configuration keeps.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use crate::addr::Family;
use crate::host::scheduling::Process;

use super::Vrid;
use super::command::{Account, CommandLine};
use super::files::TrackedFile;
use super::instance::{Instance, Notify, Script};
use super::routing::Routing;
use super::tracking::Weight;

/// What one process speaks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configuration {
    /// Routers that move together, or alone.
    pub groups: Vec<SyncGroup>,
    /// Pipes into which each change is written.
    pub fifos: Vec<Fifo>,
    /// How the process runs.
    pub process: Process,
    /// What is there as long as the process runs, whoever is master.
    pub fixed: Routing,
}

/// A pipe with a name, into which each change is written: `INSTANCE "NAME" STATE PRIORITY`, or
/// `GROUP "NAME" STATE 0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fifo {
    /// Where it is.
    pub path: PathBuf,
    /// Whose it is if it has to be made; this process's own otherwise.
    pub owner: Option<Account>,
    /// What is started to read it, with its path behind the other arguments.
    pub reader: Option<CommandLine>,
}

/// Virtual routers that are master together or not at all (keepalived's `vrrp_sync_group`), or one
/// alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyncGroup {
    /// What it is called; one alone has no name but its own.
    pub name: Option<String>,
    /// The routers, one at least.
    pub members: Vec<Instance>,
    /// Interfaces that each of them wants running, beside its own ones.
    pub interfaces: Vec<(String, Weight)>,
    /// Scripts that each of them wants to succeed.
    pub scripts: Vec<Script>,
    /// Files whose numbers count for each of them.
    pub files: Vec<TrackedFile>,
    /// Whom it tells what it has become; that it stops, nobody.
    pub notify: Notify,
}

/// What makes a virtual router the same one, whatever else is said of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// Where its adverts go.
    pub interface: String,
    /// Its number there.
    pub vrid: Vrid,
    /// In packets of which family.
    pub family: Family,
    /// Its name, if it is the [twin](Instance::is_twin) of another.
    pub twin: Option<String>,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let over = match self.family {
            Family::V4 => "",
            Family::V6 => " over IPv6",
        };
        write!(f, "VRID {} on {}{over}", self.vrid, self.interface)?;
        match &self.twin {
            Some(name) => write!(f, " ({name})"),
            None => Ok(()),
        }
    }
}

impl SyncGroup {
    /// A router by itself.
    pub fn alone(instance: Instance) -> Self {
        SyncGroup {
            members: vec![instance],
            ..SyncGroup::default()
        }
    }
}

impl Configuration {
    /// All routers, in the order of their groups.
    pub fn instances(&self) -> impl Iterator<Item = &Instance> {
        self.groups.iter().flat_map(|group| &group.members)
    }

    /// All files that are tracked.
    pub fn files(&self) -> impl Iterator<Item = &TrackedFile> {
        let of_groups = self.groups.iter().flat_map(|group| &group.files);
        let own = self.instances().flat_map(|instance| &instance.files);
        of_groups.chain(own)
    }

    /// The addresses that come and go: no advert comes from one of these.
    pub fn moving_addresses(&self) -> BTreeSet<IpAddr> {
        let moving = self.instances().filter(|instance| instance.moves_addresses);
        let addresses = moving.flat_map(|instance| &instance.addresses);
        addresses.map(|address| address.address).collect()
    }

    /// What cannot be so, as a sentence: two routers that are the same one, or of one name.
    pub fn fault(&self) -> Option<String> {
        let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
        for instance in self.instances() {
            if !ids.insert(instance.id()) {
                return Some(format!("two virtual routers with {}", instance.id()));
            }
            if !names.insert(&instance.name) {
                return Some(format!("two virtual routers named {}", instance.name));
            }
        }
        None
    }

    /// Has those that are in an older configuration be twins as they were there: which of two was
    /// named first is no reason to be another one after a reload.
    pub fn keep_twins(&mut self, old: &Configuration) {
        let known = old.instances().map(|was| (was.name.clone(), was.id()));
        let known: BTreeMap<String, Id> = known.collect();
        let mut new = Vec::new();
        let mut firsts = BTreeSet::new();
        for instance in self.groups.iter_mut().flat_map(|group| &mut group.members) {
            let id = Id {
                twin: None,
                ..instance.id()
            };
            match known.get(&instance.name) {
                Some(was)
                    if id
                        == (Id {
                            twin: None,
                            ..was.clone()
                        }) =>
                {
                    instance.is_twin = was.twin.is_some();
                    if !instance.is_twin {
                        firsts.insert(id);
                    }
                }
                _ => new.push((instance, id)),
            }
        }
        for (instance, id) in new {
            instance.is_twin = !firsts.insert(id);
        }
    }

    /// The place of a router: of its group, and in that.
    pub fn find(&self, id: &Id) -> Option<(usize, usize)> {
        self.groups.iter().enumerate().find_map(|(group, members)| {
            let mut members = members.members.iter();
            let member = members.position(|member| member.id() == *id)?;
            Some((group, member))
        })
    }

    /// What is left of this one under `new`, for each group of `new` in its order; and the routers
    /// of this one that are no more.
    pub fn compare(&self, new: &Configuration) -> (Vec<Kept>, Vec<Id>) {
        let groups = new.groups.iter().map(|group| {
            if let Some(same) = self.groups.iter().position(|old| old == group) {
                return Kept::Whole(same);
            }
            let places = group.members.iter().map(|member| self.find(&member.id()));
            Kept::Members(places.collect())
        });
        let ids = self.instances().map(Instance::id);
        let gone = ids.filter(|id| new.find(id).is_none());
        (groups.collect(), gone.collect())
    }
}

/// What a group of a new configuration takes over from the old one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The group of this number, in which nothing is to be touched.
    Whole(usize),
    /// Of each member the one that it was, by its group and its place there; nothing of a new one.
    Members(Vec<Option<(usize, usize)>>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vrrp::Priority;
    use crate::vrrp::instance;

    fn router(number: u8) -> Instance {
        let vrid = Vrid::new(number).unwrap();
        instance::new("eth0", vrid, Family::V4, None)
    }

    fn of(groups: Vec<Vec<Instance>>) -> Configuration {
        let groups = groups.into_iter().map(|members| SyncGroup {
            members,
            ..SyncGroup::default()
        });
        Configuration {
            groups: groups.collect(),
            ..Configuration::default()
        }
    }

    #[test]
    fn what_is_the_same_is_kept_whole_wherever_it_stands() {
        let old = of(vec![vec![router(1)], vec![router(2), router(3)]]);
        let new = of(vec![vec![router(2), router(3)], vec![router(1)]]);
        let (kept, gone) = old.compare(&new);
        assert_eq!(kept, [Kept::Whole(1), Kept::Whole(0)]);
        assert_eq!(gone, []);
    }

    #[test]
    fn a_router_that_changes_or_moves_to_another_group_stays_the_one_that_it_was() {
        let old = of(vec![vec![router(1)], vec![router(2)], vec![router(3)]]);
        let mut other = router(1);
        other.settings.priority = Priority(7);
        let new = of(vec![vec![other], vec![router(4), router(2)]]);
        let (kept, gone) = old.compare(&new);
        let places = [vec![Some((0, 0))], vec![None, Some((1, 0))]];
        assert_eq!(kept, places.map(Kept::Members));
        assert_eq!(gone, [router(3).id()]);
    }

    #[test]
    fn a_twin_stays_the_one_that_it_was_when_the_other_goes_or_comes() {
        let named = |name: &str, is_twin| Instance {
            name: name.into(),
            is_twin,
            ..router(1)
        };
        let both = of(vec![vec![named("A", false)], vec![named("B", true)]]);
        let mut one = of(vec![vec![named("B", false)]]);
        one.keep_twins(&both);
        assert_eq!(both.compare(&one).0, [Kept::Whole(1)]);
        let mut again = both.clone();
        again.keep_twins(&one);
        assert_eq!(again, both);
        let mut turned = of(vec![vec![named("B", false)], vec![named("A", true)]]);
        turned.keep_twins(&both);
        assert_eq!(both.compare(&turned).0, [Kept::Whole(1), Kept::Whole(0)]);
        let mut renamed = of(vec![vec![named("C", false)], vec![named("B", true)]]);
        renamed.keep_twins(&both);
        assert_eq!(both.compare(&renamed).1, []);
        let mut alone = of(vec![vec![named("B", false)]]);
        let first = alone.clone();
        alone.keep_twins(&first);
        assert_eq!(alone, first);
        let mut joined = of(vec![vec![named("A", false)], vec![named("B", true)]]);
        joined.keep_twins(&first);
        assert_eq!(first.compare(&joined).0[1], Kept::Whole(0));
        assert_eq!(joined.fault(), None);
    }

    #[test]
    fn two_that_nobody_could_tell_apart_are_a_fault() {
        assert_eq!(of(vec![vec![router(1)], vec![router(2)]]).fault(), None);
        let mut twin = router(1);
        twin.name = "twin".into();
        let fault = of(vec![vec![router(1), twin.clone()]]).fault();
        assert_eq!(
            fault.as_deref(),
            Some("two virtual routers with VRID 1 on eth0")
        );
        twin.family = Family::V6;
        assert_eq!(of(vec![vec![router(1), twin.clone()]]).fault(), None);
        twin.family = Family::V4;
        twin.is_twin = true;
        assert_eq!(of(vec![vec![router(1), twin.clone()]]).fault(), None);
        twin.name = "VI_1".into();
        let fault = of(vec![vec![router(1), twin]]).fault();
        assert_eq!(fault.as_deref(), Some("two virtual routers named VI_1"));
    }
}
