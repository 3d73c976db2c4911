//! From what a speaker does to what it shall do, by the difference: what is the same is not touched.

use std::collections::BTreeMap;

use crate::vrrp::State;
use crate::vrrp::configuration::{Configuration, Id, Kept, SyncGroup};
use crate::vrrp::group::Group;
use crate::vrrp::router::Router;

use super::set::Set;
use super::voice::Voice;
use super::{Failure, Level, Reload, Speaker};

/// A router that comes from another group, or is new.
type Member = ((Router, bool), Voice);

impl Speaker<'_> {
    /// On SIGHUP. Tells whether that means the end.
    pub(super) fn reload(&mut self) -> bool {
        match self.world.audience.reload() {
            Reload::End => return true,
            Reload::Nothing => {}
            Reload::To(mut configuration) => {
                configuration.keep_twins(&self.configuration);
                let difference = self.difference(&configuration);
                let (level, text) = match self.turn_to(configuration) {
                    Ok(()) => (Level::Info, format!("reloaded: {difference}")),
                    Err(failure) => (Level::Error, format!("nothing is changed: {failure}")),
                };
                self.world.audience.log(level, None, &text);
            }
        }
        false
    }

    /// How many routers another configuration has, and what of them is news.
    fn difference(&self, to: &Configuration) -> String {
        let (_, gone) = self.configuration.compare(to);
        let (mut same, mut changed, mut new) = (0, 0, 0);
        let known = self.configuration.instances();
        let known: BTreeMap<_, _> = known.map(|router| (router.id(), router)).collect();
        for router in to.instances() {
            match known.get(&router.id()) {
                Some(old) if *old == router => same += 1,
                Some(_) => changed += 1,
                None => new += 1,
            }
        }
        let gone = gone.len();
        format!("{same} unchanged, {changed} changed, {new} new, {gone} gone")
    }

    /// Does from now on what a configuration says. Routers that are in it as they were miss no
    /// advert and lose no address; others keep their state if they are the same one at all; those
    /// that are gone resign.
    ///
    /// # Errors
    ///
    /// Something that is new cannot be begun: all is as it was.
    pub(super) fn turn_to(&mut self, to: Configuration) -> Result<(), Failure> {
        let (kept, gone) = self.configuration.compare(&to);
        // Adverts may come from one of its addresses. The old ones go first: with one of them all of
        // its network may go.
        self.world.watch_routing(&to);
        self.world.turn_fixed(&self.configuration.fixed, &to.fixed);
        let opened = self.prepare(&to, &kept);
        if opened.is_err() {
            self.world.turn_fixed(&to.fixed, &self.configuration.fixed);
        }
        let mut opened = opened?;
        self.world.turn_to(&to);
        let mut old: Vec<Option<Set>> = self.sets.drain(..).map(Some).collect();
        // Whole ones first, that nobody takes them apart.
        let mut sets: Vec<Option<Set>> = kept
            .iter()
            .map(|kept| match kept {
                Kept::Whole(number) => old.get_mut(*number).and_then(Option::take),
                Kept::Members(_) => None,
            })
            .collect();
        let (mut members, mut said) = (BTreeMap::new(), BTreeMap::new());
        for set in old.into_iter().flatten() {
            said.extend(set.told().name.clone().map(|name| (name, set.last_said())));
            for member in set.part() {
                members.insert(member.1.instance().id(), member);
            }
        }
        for id in gone {
            if let Some(member) = members.remove(&id) {
                let alone = SyncGroup::alone(member.1.instance().clone());
                let mut set = Set::new(alone, vec![member], self.world.now());
                set.delete(&mut self.world);
            }
        }
        for (set, group) in sets.iter_mut().zip(&to.groups) {
            if set.is_none() {
                *set = Some(self.gather(group, &mut members, &mut opened, &said));
            }
        }
        self.sets = sets.into_iter().flatten().collect();
        self.configuration = to;
        Ok(())
    }

    /// Opens what is new, and looks whether all is there that it wants. What one that is the same
    /// lacks is its own affair.
    fn prepare(
        &mut self,
        to: &Configuration,
        kept: &[Kept],
    ) -> Result<BTreeMap<Id, Voice>, Failure> {
        let mut opened = BTreeMap::new();
        let groups = to.groups.iter().zip(kept);
        for (group, _) in groups.filter(|(_, kept)| matches!(kept, Kept::Members(_))) {
            let members = || group.members.iter();
            let tracked = members().flat_map(|instance| &instance.interfaces);
            let tracked = tracked.chain(&group.interfaces).map(|(name, _)| name);
            let addresses = members().flat_map(|instance| &instance.addresses);
            let devices = addresses.filter_map(|vip| vip.device.as_ref());
            for name in devices.chain(tracked) {
                self.world.interface(name)?;
            }
            for instance in members() {
                let id = instance.id();
                if self.configuration.find(&id).is_none() {
                    let voice = Voice::open(instance, &mut self.world)?;
                    opened.insert(id, voice);
                }
            }
        }
        let heard = self.world.want(to);
        heard.map_err(|error| Failure::System("raw socket", error))?;
        Ok(opened)
    }

    /// A group of those that were in others and of new ones.
    fn gather(
        &mut self,
        told: &SyncGroup,
        members: &mut BTreeMap<Id, Member>,
        opened: &mut BTreeMap<Id, Voice>,
        said: &BTreeMap<String, State>,
    ) -> Set {
        let world = &mut self.world;
        let mut gathered = Vec::new();
        let mut news = Vec::new();
        for instance in &told.members {
            let id = instance.id();
            if let Some((router, mut voice)) = members.remove(&id) {
                let is_master = router.0.state() == State::Master;
                news.push(voice.change(world, instance, is_master));
                gathered.push((router, voice));
            } else if let Some(voice) = opened.remove(&id) {
                news.push(false);
                let router = Group::new([voice.settings()]).part().next();
                gathered.extend(router.map(|router| (router, voice)));
            }
        }
        let was = told.name.as_ref().and_then(|name| said.get(name));
        let was = was.copied().unwrap_or(State::Initialize);
        let mut set = Set::new(told.clone(), gathered, world.now()).said(was);
        set.look_around(world);
        for (member, has_new) in news.into_iter().enumerate() {
            let settings = set.voice(member).settings();
            set.reset(world, member, settings);
            if has_new {
                let rounds = settings.announce.rounds;
                set.voice_mut(member).announce(world, rounds);
            }
        }
        set.settle(world);
        set
    }
}
