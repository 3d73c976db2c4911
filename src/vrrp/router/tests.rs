//! The rules of the state machine, one a test.

use std::net::Ipv4Addr;

use super::*;

const US: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 9, 0, 5));
const LOWER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 9, 0, 4));
const HIGHER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 9, 0, 6));

/// A router and what it did last.
struct Bench {
    router: Router,
    actions: Vec<Action>,
}

impl Bench {
    fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::new(Version::V3, US);
        change(&mut settings);
        let mut bench = Bench {
            router: Router::new(settings),
            actions: vec![],
        };
        bench.at(0, Event::Start);
        bench
    }

    fn master(change: impl FnOnce(&mut Settings)) -> Self {
        let mut bench = Bench::new(change);
        if bench.router.state() != State::Master {
            bench.at(4000, Event::Tick);
        }
        assert_eq!(bench.router.state(), State::Master);
        bench
    }

    fn at(&mut self, milliseconds: u64, event: Event) -> &[Action] {
        self.actions.clear();
        let now = moment(milliseconds);
        self.router.handle(now, event, &mut self.actions);
        &self.actions
    }

    fn hear(&mut self, milliseconds: u64, priority: u8, source: IpAddr) -> &[Action] {
        let (priority, interval) = (Priority(priority), Interval::DEFAULT);
        let heard = Heard {
            source,
            priority,
            interval,
        };
        self.at(milliseconds, Event::Heard(heard))
    }

    fn deadline(&self) -> Option<Duration> {
        self.router.deadline().map(|at| at.0)
    }

    fn did(&self, action: Action) -> bool {
        self.actions.contains(&action)
    }
}

fn moment(milliseconds: u64) -> Moment {
    Moment(Duration::from_millis(milliseconds))
}

fn seconds(seconds: f64) -> Option<Duration> {
    Some(Duration::from_secs_f64(seconds))
}

#[test]
fn a_backup_takes_over_after_three_intervals_plus_skew() {
    let mut bench = Bench::new(|_| {});
    assert_eq!(bench.deadline(), seconds(3.609375));
    bench.at(3609, Event::Tick);
    assert_eq!(bench.router.state(), State::Backup);
    let actions = bench.at(3610, Event::Tick);
    let expected = [
        Action::Advertise(Priority(100)),
        Action::AddAddresses,
        Action::Announce(5),
        Action::Became(State::Master),
    ];
    assert_eq!(actions, expected);
}

#[test]
fn skew_is_of_a_second_in_version_2_and_of_the_interval_in_version_3() {
    let tenth = Interval::from_centiseconds(10).unwrap();
    let two = Interval::from_seconds(2).unwrap();
    let bench = Bench::new(|settings| settings.interval = tenth);
    assert_eq!(bench.deadline(), seconds(0.3609375));
    let bench = Bench::new(|settings| {
        settings.version = Version::V2;
        settings.interval = two;
    });
    assert_eq!(bench.deadline(), seconds(6.609375));
}

#[test]
fn a_start_takes_off_addresses_that_a_crash_left() {
    let bench = Bench::new(|_| {});
    let expected = [Action::RemoveAddresses, Action::Became(State::Backup)];
    assert_eq!(bench.actions, expected);
}

#[test]
fn an_owner_is_master_at_once() {
    let bench = Bench::new(|settings| settings.priority = Priority::OWNER);
    assert_eq!(bench.router.state(), State::Master);
    assert!(bench.did(Action::Advertise(Priority::OWNER)));
}

#[test]
fn a_backup_waits_for_a_master_of_higher_or_equal_priority() {
    for priority in [100, 150, 255] {
        let mut bench = Bench::new(|_| {});
        bench.hear(3000, priority, LOWER);
        assert_eq!(bench.deadline(), seconds(6.609375));
        assert_eq!(bench.router.master(), Some(LOWER));
    }
}

#[test]
fn a_lower_master_does_not_move_the_timer_of_a_backup_that_preempts() {
    let mut bench = Bench::new(|_| {});
    bench.hear(3000, 99, HIGHER);
    assert_eq!(bench.deadline(), seconds(3.609375));
    assert!(matches!(
        bench.actions[..],
        [Action::Remark(Remark::LowerMaster(_))]
    ));
    assert!(bench.hear(3100, 99, HIGHER).is_empty(), "it is told once");
}

#[test]
fn a_lower_master_is_left_in_peace_without_preemption() {
    let mut bench = Bench::new(|settings| settings.preempt = false);
    bench.hear(3000, 1, LOWER);
    assert_eq!(bench.deadline(), seconds(6.609375));
}

#[test]
fn a_lower_master_is_left_in_peace_for_the_preempt_delay() {
    let mut bench = Bench::new(|settings| settings.preempt_delay = Duration::from_secs(5));
    for second in 1..6 {
        bench.hear(second * 1000, 50, LOWER);
        assert_eq!(bench.deadline(), seconds(second as f64 + 3.609375));
    }
    bench.hear(6000, 50, LOWER);
    assert_eq!(bench.deadline(), seconds(8.609375));
}

#[test]
fn a_better_master_ends_the_preempt_delay() {
    let mut bench = Bench::new(|settings| settings.preempt_delay = Duration::from_secs(5));
    bench.hear(1000, 50, LOWER);
    bench.hear(2000, 150, LOWER);
    bench.hear(6500, 50, LOWER);
    assert_eq!(bench.deadline(), seconds(6.5 + 3.609375));
}

#[test]
fn a_master_that_stops_is_followed_after_the_skew() {
    let mut bench = Bench::new(|_| {});
    bench.hear(1000, 150, HIGHER);
    bench.hear(2000, 0, HIGHER);
    assert_eq!(bench.deadline(), seconds(2.609375));
}

#[test]
fn repeated_priority_0_does_not_put_a_takeover_off() {
    let mut bench = Bench::new(|_| {});
    bench.hear(2000, 0, HIGHER);
    bench.hear(2500, 0, HIGHER);
    assert_eq!(bench.deadline(), seconds(2.609375));
}

#[test]
fn version_3_learns_the_interval_of_the_master() {
    let fast = Heard {
        source: HIGHER,
        priority: Priority(200),
        interval: Interval::from_centiseconds(10).unwrap(),
    };
    let mut bench = Bench::new(|_| {});
    bench.at(1000, Event::Heard(fast));
    assert_eq!(bench.deadline(), seconds(1.3609375));
    let mut bench = Bench::new(|settings| settings.version = Version::V2);
    bench.at(1000, Event::Heard(fast));
    assert_eq!(bench.deadline(), seconds(4.609375));
}

#[test]
fn a_master_advertises_in_step() {
    let mut bench = Bench::master(|_| {});
    assert_eq!(bench.deadline(), seconds(5.0));
    assert_eq!(
        bench.at(5003, Event::Tick),
        [Action::Advertise(Priority(100))]
    );
    assert_eq!(bench.deadline(), seconds(6.0));
    bench.at(8500, Event::Tick);
    let next = [
        Some(Duration::from_millis(9000)),
        Some(Duration::from_millis(9500)),
    ];
    assert!(next.contains(&bench.deadline()));
}

#[test]
fn a_master_announces_again_and_on_refresh() {
    let mut bench = Bench::master(|settings| {
        settings.interval = Interval::from_seconds(20).unwrap();
        settings.priority = Priority::OWNER;
        settings.announce.refresh = Some(Duration::from_secs(8));
    });
    assert_eq!(bench.deadline(), seconds(5.0));
    assert_eq!(bench.at(5000, Event::Tick), [Action::Announce(5)]);
    assert_eq!(bench.at(8000, Event::Tick), [Action::Announce(1)]);
    assert_eq!(bench.at(16_000, Event::Tick), [Action::Announce(1)]);
}

#[test]
fn a_master_answers_one_that_stops() {
    let mut bench = Bench::master(|_| {});
    bench.hear(4500, 0, HIGHER);
    assert_eq!(bench.router.state(), State::Master);
    assert!(bench.did(Action::Advertise(Priority(100))));
    assert_eq!(bench.deadline(), seconds(5.5));
}

#[test]
fn a_master_answers_a_lower_one_and_announces_once_an_interval() {
    let mut bench = Bench::master(|_| {});
    bench.hear(5000, 99, HIGHER);
    assert_eq!(bench.router.state(), State::Master);
    assert!(bench.did(Action::Advertise(Priority(100))) && bench.did(Action::Announce(5)));
    bench.hear(5001, 99, HIGHER);
    assert!(!bench.did(Action::Announce(5)));
    let mut bench = Bench::master(|settings| settings.answer_lower = false);
    bench.hear(5000, 99, HIGHER);
    assert!(!bench.did(Action::Advertise(Priority(100))));
}

#[test]
fn a_master_yields_to_a_higher_one_and_lets_it_know() {
    let mut bench = Bench::master(|_| {});
    bench.hear(4500, 101, LOWER);
    assert!(bench.did(Action::Advertise(Priority(100))));
    assert!(!bench.did(Action::Advertise(Priority::RESIGNED)));
    assert!(bench.did(Action::RemoveAddresses) && bench.did(Action::Became(State::Backup)));
    assert_eq!(bench.deadline(), seconds(4.5 + 3.609375));
    assert_eq!(bench.router.master(), Some(LOWER));
    let silent: [fn(&mut Settings); 2] = [
        |settings| settings.last_word = false,
        |settings| settings.interval = Interval::from_centiseconds(50).unwrap(),
    ];
    for change in silent {
        let mut bench = Bench::master(change);
        bench.hear(4500, 101, LOWER);
        assert_eq!(bench.router.state(), State::Backup);
        assert!(!bench.did(Action::Advertise(Priority(100))));
    }
}

#[test]
fn of_two_equal_masters_the_higher_address_stays() {
    let mut bench = Bench::master(|_| {});
    bench.hear(4500, 100, LOWER);
    assert_eq!(bench.router.state(), State::Master);
    bench.hear(4500, 100, HIGHER);
    assert_eq!(bench.router.state(), State::Backup);
}

#[test]
fn an_equal_advert_from_our_own_address_is_only_told() {
    let mut bench = Bench::master(|_| {});
    bench.hear(4500, 100, US);
    assert_eq!(bench.router.state(), State::Master);
    assert!(matches!(
        bench.actions[..],
        [Action::Remark(Remark::OwnAddress(_))]
    ));
}

#[test]
fn of_two_owners_the_lower_address_loses_its_ownership() {
    let mut bench = Bench::master(|settings| settings.priority = Priority::OWNER);
    bench.hear(100, 255, LOWER);
    assert_eq!(bench.router.state(), State::Master);
    bench.hear(200, 255, HIGHER);
    assert_eq!(bench.router.state(), State::Backup);
    assert_eq!(bench.router.priority(), Priority(254));
}

#[test]
fn a_master_that_stops_or_fails_says_so() {
    for event in [Event::Stop, Event::Fault(true)] {
        let mut bench = Bench::master(|_| {});
        bench.at(4500, event);
        let order = [
            Action::Advertise(Priority::RESIGNED),
            Action::RemoveAddresses,
        ];
        assert_eq!(bench.actions[..2], order);
        assert_eq!(bench.deadline(), None);
    }
}

#[test]
fn a_failed_router_hears_nothing_and_begins_anew() {
    let mut bench = Bench::new(|_| {});
    bench.at(1000, Event::Fault(true));
    assert_eq!(bench.router.state(), State::Fault);
    assert!(bench.hear(1100, 50, LOWER).is_empty());
    bench.at(2000, Event::Fault(false));
    assert_eq!(bench.router.state(), State::Backup);
    assert_eq!(bench.deadline(), seconds(5.609375));
}

#[test]
fn a_router_that_fails_before_it_starts_starts_failed() {
    let mut router = Router::new(Settings::new(Version::V3, US));
    let mut actions = vec![];
    router.handle(moment(0), Event::Fault(true), &mut actions);
    router.handle(moment(0), Event::Start, &mut actions);
    assert_eq!(router.state(), State::Fault);
}

#[test]
fn a_weight_moves_the_running_timer_by_the_change_in_skew() {
    let mut bench = Bench::new(|_| {});
    bench.at(1000, Event::Weight(-36));
    assert_eq!(bench.router.priority(), Priority(64));
    assert_eq!(bench.deadline(), seconds(3.75));
    bench.at(1100, Event::Weight(0));
    assert_eq!(bench.deadline(), seconds(3.609375));
}

#[test]
fn a_master_tells_its_new_priority_with_the_next_advert() {
    let mut bench = Bench::master(|_| {});
    assert!(bench.at(4500, Event::Weight(-50)).is_empty());
    assert_eq!(
        bench.at(5000, Event::Tick),
        [Action::Advertise(Priority(50))]
    );
}

#[test]
fn a_master_whose_address_is_taken_off_comes_back_after_the_skew() {
    let mut bench = Bench::master(|_| {});
    bench.at(4500, Event::AddressLost);
    assert_eq!(bench.actions[0], Action::Advertise(Priority::RESIGNED));
    assert_eq!(bench.deadline(), seconds(4.5 + 0.609375));
}

#[test]
fn one_that_resigned_leaves_the_next_master_in_peace_until_there_is_none() {
    let mut bench = Bench::master(|_| {});
    bench.at(4500, Event::Resign);
    assert_eq!(bench.actions[0], Action::Advertise(Priority::RESIGNED));
    bench.hear(5000, 50, LOWER);
    assert_eq!(bench.deadline(), seconds(8.609375));
    bench.at(8610, Event::Tick);
    assert_eq!(bench.router.state(), State::Master);
    bench.hear(9000, 150, HIGHER);
    let before = bench.deadline();
    bench.hear(9500, 50, LOWER);
    assert_eq!(bench.deadline(), before, "it preempts again");
}

#[test]
fn a_stopped_router_wants_nothing() {
    let mut bench = Bench::master(|_| {});
    bench.at(4500, Event::Stop);
    assert!(bench.actions.contains(&Action::Became(State::Initialize)));
    assert!(bench.hear(4600, 50, LOWER).is_empty());
    assert!(bench.at(9000, Event::Tick).is_empty());
}
