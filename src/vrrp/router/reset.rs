//! Other settings for a router that runs.

use super::{Action, Moment, Priority, Role, Router, Settings, Version};

impl Router {
    /// Goes on with other settings, in the role that it has. A master says at once what they are; a
    /// running timer is moved by as much as they change it.
    pub(in crate::vrrp) fn reset(
        &mut self,
        now: Moment,
        settings: Settings,
        actions: &mut Vec<Action>,
    ) {
        if settings == self.settings {
            return;
        }
        let learns = settings.version == Version::V3 && self.master().is_some();
        let interval = match learns {
            true => self.master_interval(),
            false => settings.interval,
        };
        let before = self.master_down_interval(self.master_interval());
        self.settings = settings;
        let after = self.master_down_interval(interval);
        let priority = self.priority();
        match &mut self.role {
            Role::Initialize | Role::Fault => {}
            Role::Backup(backup) => {
                backup.master_interval = interval;
                let moved = |at: Moment| Moment((at.0 + after).saturating_sub(before));
                backup.down_at = match priority {
                    // It is master whenever it is there.
                    Priority::OWNER => backup.down_at.map(|_| now),
                    _ => backup.down_at.map(moved),
                };
                if settings.preempt_delay.is_zero() {
                    backup.preempt_at = None;
                }
            }
            Role::Master(master) => {
                let announce = settings.announce;
                master.advert_at = now + settings.interval.duration();
                let soon = |refresh| {
                    let next = now + refresh;
                    master.refresh_at.map_or(next, |at| at.min(next))
                };
                master.refresh_at = announce.refresh.map(soon);
                actions.push(Action::Advertise(priority));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    use super::*;
    use crate::vrrp::router::{Event, Heard};
    use crate::vrrp::{Interval, State};

    fn at(milliseconds: u64) -> Moment {
        Moment(Duration::from_millis(milliseconds))
    }

    fn settings(version: Version) -> Settings {
        Settings::new(version, IpAddr::V4(Ipv4Addr::new(10, 9, 0, 5)))
    }

    fn started(settings: Settings) -> Router {
        let mut router = Router::new(settings);
        router.handle(at(0), Event::Start, &mut vec![]);
        router
    }

    #[test]
    fn a_master_stays_master_and_says_what_it_is_now() {
        let mut router = started(settings(Version::V3));
        router.handle(at(4000), Event::Tick, &mut vec![]);
        let mut actions = vec![];
        router.reset(at(4100), settings(Version::V3), &mut actions);
        assert_eq!(actions, []);
        let other = Settings {
            priority: Priority(7),
            interval: Interval::from_centiseconds(20).unwrap(),
            ..settings(Version::V3)
        };
        router.reset(at(4100), other, &mut actions);
        assert_eq!(router.state(), State::Master);
        assert_eq!(actions, [Action::Advertise(Priority(7))]);
        assert_eq!(router.deadline(), Some(at(4300)));
    }

    #[test]
    fn the_timer_of_a_backup_moves_with_its_interval_and_its_skew() {
        let mut router = started(settings(Version::V2));
        assert_eq!(router.deadline().unwrap().0.as_micros(), 3_609_375);
        let mut other = Settings {
            priority: Priority(228),
            ..settings(Version::V2)
        };
        router.reset(at(1000), other, &mut vec![]);
        assert_eq!(router.deadline().unwrap().0.as_micros(), 3_109_375);
        other.interval = Interval::from_seconds(2).unwrap();
        router.reset(at(1000), other, &mut vec![]);
        assert_eq!(router.deadline().unwrap().0.as_micros(), 6_109_375);
        other.priority = Priority::OWNER;
        router.reset(at(1000), other, &mut vec![]);
        assert_eq!(router.deadline(), Some(at(1000)));
    }

    #[test]
    fn what_a_backup_learned_of_its_master_holds() {
        let mut router = started(settings(Version::V3));
        let heard = Heard {
            source: IpAddr::V4(Ipv4Addr::new(10, 9, 0, 6)),
            priority: Priority(200),
            interval: Interval::from_centiseconds(10).unwrap(),
        };
        router.handle(at(0), Event::Heard(heard), &mut vec![]);
        let before = router.deadline();
        let other = Settings {
            interval: Interval::from_centiseconds(500).unwrap(),
            ..settings(Version::V3)
        };
        router.reset(at(100), other, &mut vec![]);
        assert_eq!(router.deadline(), before);
    }
}
