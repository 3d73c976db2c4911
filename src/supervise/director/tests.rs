//! What a director does, step by step.

use super::*;
use Action::{Ready, Start, Tell, Withdraw};
use Program::{Check, Vrrp};

const BOTH: Needs = Needs {
    check: true,
    vrrp: true,
};

const KILLED: End = End::Signal(9);

fn at(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

struct Play(Director);

impl Play {
    fn new(needs: Needs) -> Self {
        Play(Director::new(Patience::default(), needs, true))
    }

    /// What is done, without the log.
    fn at(&mut self, milliseconds: u64, event: Event) -> Vec<Action> {
        let mut actions = self.0.handle(at(milliseconds), event);
        actions.retain(|action| !matches!(action, Action::Log(..) | Action::Alert(_)));
        actions
    }

    /// One that runs both, and is ready.
    fn started() -> Self {
        let mut play = Play::new(BOTH);
        assert_eq!(play.at(0, Event::Tick), [Start(Check), Start(Vrrp)]);
        assert_eq!(play.0.deadline(), Some(at(300)));
        assert_eq!(play.at(300, Event::Tick), [Ready]);
        assert_eq!(play.0.deadline(), None);
        play
    }

    /// One whose checks have ended too often, at 3 s.
    fn given_up() -> Self {
        let mut play = Play::started();
        let died = || Event::Ended(Check, KILLED);
        assert_eq!(play.at(1000, died()), [Start(Check)]);
        assert_eq!(play.at(1100, died()), []);
        assert_eq!(play.at(2100, Event::Tick), [Start(Check)]);
        assert_eq!(play.at(2200, died()), []);
        assert_eq!(play.at(4200, Event::Tick), [Start(Check)]);
        assert!(!play.0.has_given_up());
        assert_eq!(play.at(4300, died()), [Tell(Vrrp, Order::Stop)]);
        assert!(play.0.has_given_up());
        play
    }
}

#[test]
fn only_what_is_needed_is_started() {
    let mut play = Play::new(Needs {
        check: false,
        vrrp: true,
    });
    assert_eq!(play.at(0, Event::Tick), [Start(Vrrp)]);
    assert_eq!(play.at(400, Event::Tick), [Ready]);
    let mut play = Play::new(Needs::default());
    assert_eq!(play.at(0, Event::Tick), [Ready]);
}

#[test]
fn one_that_dies_is_started_at_once_and_then_later_and_later() {
    let mut play = Play::started();
    let died = || Event::Ended(Vrrp, KILLED);
    assert_eq!(play.at(20_000, died()), [Start(Vrrp)]);
    assert_eq!(play.at(20_100, died()), [Withdraw]);
    assert_eq!(play.0.deadline(), Some(at(21_100)));
    assert_eq!(play.at(21_100, Event::Tick), [Start(Vrrp)]);
    // It ran for long: what was before is forgotten.
    assert_eq!(play.at(40_000, died()), [Start(Vrrp)]);
    assert_eq!(play.0.child(Vrrp).restarts, 3);
}

#[test]
fn addresses_are_given_up_while_checks_cannot_be_kept_alive_and_taken_again_after() {
    let mut play = Play::given_up();
    assert_eq!(play.at(4400, Event::Ended(Vrrp, End::Status(0))), []);
    assert_eq!(play.at(8300, Event::Tick), [Start(Check)]);
    assert_eq!(play.at(9000, Event::Tick), []);
    assert_eq!(play.0.deadline(), Some(at(18_300)));
    assert_eq!(play.at(18_300, Event::Tick), [Start(Vrrp)]);
    assert!(!play.0.has_given_up());
}

#[test]
fn who_gets_mail_is_told_of_an_illness_once_and_of_its_end() {
    let mut play = Play::given_up();
    assert_eq!(play.at(4400, Event::Ended(Vrrp, End::Status(0))), []);
    let ill = |action: &Action| matches!(action, Action::Alert(_));
    let again = play.0.handle(at(8300), Event::Tick);
    assert!(!again.iter().any(ill));
    let again = play.0.handle(at(8400), Event::Ended(Check, KILLED));
    assert!(!again.iter().any(ill));
    assert_eq!(play.at(16_400, Event::Tick), [Start(Check)]);
    let well = play.0.handle(at(26_400), Event::Tick);
    assert!(well.contains(&Action::Alert("lvs-check is well again".to_owned())));
}

#[test]
fn another_configuration_is_tried_at_once_but_must_prove_itself() {
    let mut play = Play::given_up();
    assert_eq!(play.at(4400, Event::Ended(Vrrp, End::Status(0))), []);
    assert_eq!(play.at(5000, Event::Reload(BOTH)), [Start(Check)]);
    assert_eq!(play.at(15_000, Event::Tick), [Start(Vrrp)]);
    // One without virtual servers has nothing to prove.
    let mut play = Play::given_up();
    assert_eq!(play.at(4400, Event::Ended(Vrrp, End::Status(0))), []);
    let needs = Needs {
        check: false,
        vrrp: true,
    };
    assert_eq!(play.at(5000, Event::Reload(needs)), [Start(Vrrp)]);
}

#[test]
fn addresses_go_before_the_table() {
    let mut play = Play::started();
    assert_eq!(play.at(1000, Event::Stop), [Tell(Vrrp, Order::Stop)]);
    assert_eq!(play.at(1100, Event::Stop), []);
    let done = |program| Event::Ended(program, End::Status(0));
    assert_eq!(play.at(1200, done(Vrrp)), [Tell(Check, Order::Stop)]);
    let end = Action::End(Verdict::Stopped);
    assert_eq!(play.at(1300, done(Check)), [end]);
    assert_eq!(play.at(1400, Event::Tick), []);
}

#[test]
fn one_that_does_not_end_is_killed_and_its_addresses_are_taken_away() {
    let mut play = Play::started();
    assert_eq!(play.at(1000, Event::Stop), [Tell(Vrrp, Order::Stop)]);
    assert_eq!(play.0.deadline(), Some(at(6000)));
    assert_eq!(play.at(6000, Event::Tick), [Tell(Vrrp, Order::Kill)]);
    assert_eq!(play.0.deadline(), None);
    assert_eq!(
        play.at(6010, Event::Ended(Vrrp, KILLED)),
        [Withdraw, Tell(Check, Order::Stop)]
    );
}

#[test]
fn a_stop_while_one_waits_does_not_start_it() {
    let mut play = Play::started();
    assert_eq!(play.at(1000, Event::Ended(Check, KILLED)), [Start(Check)]);
    assert_eq!(play.at(1100, Event::Ended(Check, KILLED)), []);
    assert_eq!(play.at(1200, Event::Stop), [Tell(Vrrp, Order::Stop)]);
    assert_eq!(
        play.at(1300, Event::Ended(Vrrp, End::Status(0))),
        [Action::End(Verdict::Stopped)]
    );
}

#[test]
fn a_reload_is_handed_on_and_starts_and_stops_what_it_must() {
    let mut play = Play::started();
    let reload = |program| Tell(program, Order::Reload);
    assert_eq!(
        play.at(1000, Event::Reload(BOTH)),
        [reload(Check), reload(Vrrp)]
    );
    let alone = Needs {
        check: false,
        vrrp: true,
    };
    assert_eq!(
        play.at(2000, Event::Reload(alone)),
        [reload(Vrrp), Tell(Check, Order::Stop)]
    );
    // It comes back while it ends: it is started when it has.
    assert_eq!(play.at(2100, Event::Reload(BOTH)), [reload(Vrrp)]);
    assert_eq!(
        play.at(2200, Event::Ended(Check, End::Status(0))),
        [Start(Check)]
    );
}

#[test]
fn one_that_refuses_the_configuration_at_the_start_ends_all() {
    let mut play = Play::new(BOTH);
    let _ = play.at(0, Event::Tick);
    assert_eq!(
        play.at(100, Event::Ended(Vrrp, End::Status(2))),
        [Tell(Check, Order::Stop)]
    );
    assert_eq!(
        play.at(200, Event::Ended(Check, End::Status(0))),
        [Action::End(Verdict::Refused)]
    );
    let mut play = Play::new(BOTH);
    let _ = play.at(0, Event::Tick);
    let missing = || End::NotStarted(String::new());
    assert_eq!(
        play.at(0, Event::Ended(Check, missing())),
        [Tell(Vrrp, Order::Stop)]
    );
    assert_eq!(
        play.at(200, Event::Ended(Vrrp, End::Status(0))),
        [Action::End(Verdict::Died)]
    );
    // Later it is an end like others: the rest goes on.
    let mut play = Play::started();
    assert_eq!(
        play.at(400, Event::Ended(Vrrp, End::Status(2))),
        [Start(Vrrp)]
    );
}

#[test]
fn without_respawning_an_end_is_the_end_of_all() {
    let mut play = Play(Director::new(Patience::default(), BOTH, false));
    let _ = play.at(0, Event::Tick);
    assert_eq!(play.at(500, Event::Tick), [Ready]);
    assert_eq!(
        play.at(1000, Event::Ended(Vrrp, KILLED)),
        [Withdraw, Tell(Check, Order::Stop)]
    );
    assert_eq!(
        play.at(1100, Event::Ended(Check, End::Status(0))),
        [Action::End(Verdict::Died)]
    );
}

#[test]
fn one_that_hangs_is_killed_and_started_again() {
    let mut play = Play::started();
    assert_eq!(
        play.at(1000, Event::Silent(Vrrp)),
        [Tell(Vrrp, Order::Kill)]
    );
    assert_eq!(play.at(1010, Event::Ended(Vrrp, KILLED)), [Start(Vrrp)]);
    assert_eq!(
        play.at(1020, Event::Silent(Check)),
        [Tell(Check, Order::Kill)]
    );
}

#[test]
fn a_director_that_waits_is_not_told_the_time_again_and_again() {
    let mut play = Play::new(BOTH);
    let _ = play.at(0, Event::Tick);
    assert_eq!(play.at(10, Event::Ended(Vrrp, KILLED)), [Start(Vrrp)]);
    assert_eq!(play.at(20, Event::Ended(Vrrp, KILLED)), [Withdraw]);
    assert_eq!(play.at(300, Event::Tick), []);
    assert_eq!(play.0.deadline(), Some(at(1020)));
    assert_eq!(play.at(1020, Event::Tick), [Start(Vrrp)]);
    assert_eq!(play.at(1320, Event::Tick), [Ready]);
}

#[test]
fn whoever_waits_for_the_start_does_not_wait_for_one_that_is_sick() {
    let mut play = Play::new(BOTH);
    let _ = play.at(0, Event::Tick);
    let died = || Event::Ended(Vrrp, End::Status(1));
    assert_eq!(play.at(10, died()), [Start(Vrrp)]);
    assert_eq!(play.at(20, died()), [Withdraw]);
    assert_eq!(play.at(1020, Event::Tick), [Start(Vrrp)]);
    assert_eq!(play.at(1030, died()), [Withdraw]);
    assert_eq!(play.at(3030, Event::Tick), [Start(Vrrp)]);
    assert_eq!(play.at(3040, died()), [Withdraw, Ready]);
}

/// Whatever happens, in any order, nothing panics, nothing is started twice, and a stop ends.
#[test]
fn no_order_of_events_starts_one_twice_or_never_ends() {
    let mut seed = 7u64;
    let mut next = move |most: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % most
    };
    for _ in 0..2000 {
        let mut director = Director::new(Patience::default(), BOTH, true);
        let mut live = [false; 2];
        let mut now = 0;
        let mut ended = false;
        for step in 0..60 {
            now += next(3000);
            let program = Program::ALL[next(2) as usize];
            let index = program as usize;
            let event = match (step, next(6)) {
                (40.., _) if director.is_stopping() && live[index] => {
                    Event::Ended(program, End::Status(0))
                }
                (40, _) => Event::Stop,
                (_, 0 | 1) if live[index] => Event::Ended(program, KILLED),
                (_, 2) => Event::Reload(Needs {
                    check: next(2) == 0,
                    vrrp: next(2) == 0,
                }),
                (_, 3) => Event::Silent(program),
                _ => Event::Tick,
            };
            if let Event::Ended(program, _) = event {
                live[program as usize] = false;
            }
            for action in director.handle(at(now), event) {
                match action {
                    Start(program) => {
                        assert!(!live[program as usize]);
                        live[program as usize] = true;
                    }
                    Tell(program, _) => assert!(live[program as usize]),
                    Action::End(_) => ended = true,
                    _ => {}
                }
            }
        }
        assert!(ended && live == [false, false]);
    }
}
