//! The tests that need a kernel with IPVS: recorded calls of the real ipvsadm are made again with
//! ours and must show the same bytes, and further tests look at a live table.
//!
//! Runs as root in a kernel that may be played with; `scripts/lab` boots one. See
//! `tests/transcripts/README.md` for the recordings.

mod apply;
mod check;
mod check_run;
mod clients;
mod cluster;
mod connections;
mod diff;
mod differential;
mod director;
mod director_network;
mod director_sync;
mod director_systemd;
mod director_table;
mod drain;
mod expectation;
mod export;
#[path = "../common/exposition.rs"]
mod exposition;
mod fail;
mod genl;
mod guides;
mod names;
mod namespace;
mod options;
mod process;
mod realserver;
mod reference;
mod replay;
mod report;
mod roundtrip;
#[path = "../common/schema.rs"]
mod schema;
mod scripts;
mod segment;
mod site;
mod traffic;
mod transcript;
mod vocabulary;
mod watch;
mod watchdog;
mod world;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use cluster::{examples, forwarding, scheduling, state};
use director::crash;
use expectation::{Deviation, Expectation};
use fail::Result;
use options::Options;
use replay::{replay, replay_reference};
use report::Report;
use transcript::Case;
use watchdog::Watchdog;
use world::{Modules, World};

/// The kernel of the recordings; there they are strict.
const RECORDED_ON: &str = "6.1.";

type Test = fn(&mut World) -> Result;

/// Tests beside the transcripts. Each begins with an empty table.
const TESTS: &[(&str, Test)] = &[
    (
        "roundtrip/save-and-restore-lose-nothing",
        roundtrip::save_and_restore_lose_nothing,
    ),
    (
        "apply/an-applied-change-breaks-no-other-connection",
        apply::an_applied_change_breaks_no_other_connection,
    ),
    (
        "apply/a-restore-breaks-connections",
        apply::a_restore_breaks_connections,
    ),
    (
        "drain/a-drained-server-goes-with-its-last-connection",
        drain::a_drained_server_goes_with_its_last_connection,
    ),
    (
        "drain/when-the-time-is-up-it-goes-all-the-same",
        drain::when_the_time_is_up_it_goes_all_the_same,
    ),
    (
        "drain/a-server-that-stays-gets-its-weight-back",
        drain::a_server_that_stays_gets_its_weight_back,
    ),
    (
        "drain/what-is-undrained-meanwhile-is-not-deleted",
        drain::what_is_undrained_meanwhile_is_not_deleted,
    ),
    (
        "drain/apply-drains-what-goes",
        drain::apply_drains_what_goes,
    ),
    (
        "edit/keep-changes-only-what-is-named",
        drain::an_edit_with_keep_changes_only_what_is_named,
    ),
    (
        "connections/a-filter-and-a-count-tell-what-there-is",
        connections::a_filter_and_a_count_tell_what_there_is,
    ),
    ("cluster/direct-routing", forwarding::direct_routing),
    ("cluster/nat", forwarding::nat),
    ("cluster/tunneling", forwarding::tunneling),
    ("cluster/udp-and-sctp", forwarding::udp_and_sctp),
    ("cluster/firewall-marks", forwarding::firewall_marks),
    (
        "cluster/each-scheduler-spreads-as-it-promises",
        scheduling::each_scheduler_spreads_as_it_promises,
    ),
    (
        "cluster/persistence-keeps-a-client-and-lets-it-go",
        scheduling::persistence_keeps_a_client_and_lets_it_go,
    ),
    (
        "cluster/weight-0-takes-no-new-connection",
        scheduling::weight_0_takes_no_new_connection,
    ),
    ("cluster/thresholds-hold", scheduling::thresholds_hold),
    (
        "cluster/the-sync-daemon-carries-connections-to-the-other-director",
        state::the_sync_daemon_carries_connections_to_the_other_director,
    ),
    (
        "cluster/the-example-scripts-make-clusters",
        examples::the_example_scripts_make_clusters,
    ),
    (
        "scripts/scripts-of-the-wild-do-the-same-with-ours",
        scripts::scripts_of_the_wild_do_the_same_with_ours,
    ),
    (
        "export/every-listing-is-as-the-schema-says",
        export::every_listing_is_as_the_schema_says,
    ),
    (
        "export/connections-are-listed",
        export::connections_are_listed,
    ),
    (
        "export/connections-are-listed-in-little-memory",
        export::connections_are_listed_in_little_memory,
    ),
    (
        "names/a-silent-resolver-does-not-hold-a-listing-up",
        names::a_silent_resolver_does_not_hold_a_listing_up,
    ),
    (
        "names/slow-answers-are-waited-for-together",
        names::slow_answers_are_waited_for_together,
    ),
    (
        "watch/a-view-follows-the-table-and-leaves-the-terminal-as-it-was",
        watch::a_view_follows_the_table_and_leaves_the_terminal_as_it_was,
    ),
    (
        "watch/signals-leave-the-terminal-as-it-was",
        watch::signals_leave_the_terminal_as_it_was,
    ),
    (
        "watch/a-view-can-be-stopped-and-go-on",
        watch::a_view_can_be_stopped_and_go_on,
    ),
    ("watch/a-pipe-gets-listings", watch::a_pipe_gets_listings),
    (
        "realserver/stop-puts-back-what-was-there",
        realserver::stop_puts_back_what_was_there,
    ),
    (
        "realserver/a-crash-between-two-steps-is-mended",
        realserver::a_crash_between_two_steps_is_mended,
    ),
    (
        "realserver/what-is-not-ours-is-left",
        realserver::what_is_not_ours_is_left,
    ),
    (
        "realserver/nobody-hears-of-the-vip",
        realserver::nobody_hears_of_the_vip,
    ),
    (
        "realserver/in-the-old-order-everybody-hears-of-it",
        realserver::in_the_old_order_everybody_hears_of_it,
    ),
    (
        "realserver/a-tunnel-ends-in-spite-of-rp-filter",
        realserver::a_tunnel_ends_in_spite_of_rp_filter,
    ),
    (
        "realserver/verify-names-the-faults-of-scripts",
        realserver::verify_names_the_faults_of_scripts,
    ),
    (
        "realserver/persist-and-unpersist-leave-files-as-they-were",
        realserver::persist_and_unpersist_leave_files_as_they_were,
    ),
    (
        "check/a-dead-server-leaves-and-comes-back",
        check::a_dead_server_leaves_and_comes_back,
    ),
    (
        "check/fall-and-rise-are-counted-over-runs",
        check::fall_and_rise_are_counted_over_runs,
    ),
    (
        "check/an-inhibited-server-keeps-what-it-was-given",
        check::an_inhibited_server_keeps_what_it_was_given,
    ),
    (
        "check/a-sorry-server-stands-in",
        check::a_sorry_server_stands_in,
    ),
    (
        "check/weights-follow-a-program",
        check::weights_follow_a_program,
    ),
    ("check/a-flushed-table-heals", check::a_flushed_table_heals),
    (
        "check/a-hundred-flaps-leave-the-right-table",
        check::a_hundred_flaps_leave_the_right_table,
    ),
    (
        "check/a-killed-run-is-taken-up-by-the-next",
        check::a_killed_run_is_taken_up_by_the_next,
    ),
    ("check/runs-do-not-fight", check::runs_do_not_fight),
    (
        "check/a-loop-follows-heals-and-reloads",
        check::a_loop_follows_heals_and_reloads,
    ),
    (
        "check-run/servers-follow-their-checks-and-scripts-are-told",
        check_run::servers_follow_their_checks_and_scripts_are_told,
    ),
    (
        "check-run/a-reload-changes-what-has-changed",
        check_run::a_reload_changes_what_has_changed,
    ),
    (
        "check-run/a-process-runs-as-its-file-says",
        check_run::a_process_runs_as_its_file_says,
    ),
    (
        "check-run/a-killed-loop-is-taken-up-by-the-next",
        check_run::a_killed_loop_is_taken_up_by_the_next,
    ),
    (
        "check-run/pipes-and-mails-tell-and-checks-rest",
        check_run::pipes_and_mails_tell_and_checks_rest,
    ),
    (
        "check-run/what-is-ordered-holds",
        check_run::what_is_ordered_holds,
    ),
    ("director/ours-beside-ours", director::ours_beside_ours),
    (
        "director/ours-beside-keepalived",
        director::ours_beside_keepalived,
    ),
    (
        "director/keepalived-beside-keepalived",
        director::keepalived_beside_keepalived,
    ),
    (
        "director/a-crash-loop-is-mailed-and-the-address-given-up",
        crash::a_crash_loop_is_mailed_and_the_address_given_up,
    ),
    (
        "director-network/all-is-done-in-the-namespace-of-the-file",
        director_network::all_is_done_in_the_namespace_of_the_file,
    ),
    (
        "director-sync/connections-are-synchronised-as-the-file-says",
        director_sync::connections_are_synchronised_as_the_file_says,
    ),
    (
        "director-table/a-virtual-server-may-stand-twice",
        director_table::a_virtual_server_may_stand_twice,
    ),
    (
        "director-table/the-table-may-be-in-another-namespace-than-checks",
        director_table::the_table_may_be_in_another_namespace_than_checks,
    ),
    (
        "director-systemd/the-unit-runs-under-the-real-systemd",
        director_systemd::the_unit_runs_under_the_real_systemd,
    ),
    ("guides/single-pair", guides::single_pair),
    ("guides/dual-master", guides::dual_master),
    ("guides/direct-routing", guides::direct_routing),
    ("guides/nat", guides::nat),
    ("differential/command-lines", differential::command_lines),
    ("differential/restores", differential::restores),
];

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("lab: {}", error.trim_end());
            ExitCode::FAILURE
        }
    }
}

/// Runs what was asked for; says whether all of it passed.
fn run(options: &Options) -> Result<bool> {
    let mut cases = transcript::load()?;
    let deviations = if options.recorded {
        BTreeMap::new()
    } else {
        expectation::load_deviations(&cases)?
    };
    cases.retain(|case| options.selects(&case.id));
    let tests = if options.recorded { &[] } else { TESTS };
    let tests: Vec<_> = tests
        .iter()
        .filter(|(name, _)| options.selects(name))
        .collect();
    if options.list {
        cases.iter().for_each(|case| println!("{}", case.id));
        tests.iter().for_each(|(name, _)| println!("{name}"));
        return Ok(true);
    }

    let mut world = World::new(&options.program, &options.reference)?;
    let watchdog = Watchdog::start()?;
    let mut report = Report::default();
    let start = Instant::now();
    for case in &cases {
        watchdog.begin(&case.id);
        match check(&mut world, case, deviations.get(&case.id), options) {
            Ok(Verdict::Passed) => report.pass(&case.id),
            Ok(Verdict::Excused) => report.excuse(&case.id),
            Err(why) => report.fail(&case.id, &format!("  {}\n{why}", case.command_line())),
        }
    }
    if !cases.is_empty() {
        println!(
            "{} transcripts: {:.1} s",
            cases.len(),
            start.elapsed().as_secs_f64()
        );
    }
    for (name, test) in tests {
        watchdog.begin(name);
        let start = Instant::now();
        world.lan = None;
        match world
            .modules(Modules::Loaded)
            .and_then(|()| world.reset())
            .and_then(|()| test(&mut world))
        {
            Ok(()) => report.pass(name),
            Err(why) => report.fail(name, &why),
        }
        println!("{name}: {:.1} s", start.elapsed().as_secs_f64());
    }
    drop(world);
    Ok(report.close())
}

enum Verdict {
    Passed,
    /// Not as recorded, but as the real program on this kernel.
    Excused,
}

fn check(
    world: &mut World,
    case: &Case,
    deviation: Option<&Deviation>,
    options: &Options,
) -> Result<Verdict> {
    let strict = world.kernel.starts_with(RECORDED_ON);
    let recorded = Expectation::recorded(case, strict);
    let outcome = replay(world, case)?;
    if deviation.is_some() && recorded.differences(&outcome).is_none() {
        return Err("as recorded: its deviation is not needed any more".into());
    }
    let Some(mut why) = recorded.with(deviation).differences(&outcome) else {
        return Ok(Verdict::Passed);
    };
    if !strict {
        let here = replay_reference(world, case)?;
        let here = Expectation::observed(case, here, strict).with(deviation);
        match here.differences(&outcome) {
            None => return Ok(Verdict::Excused),
            Some(difference) => {
                why += &format!("  from the real program on this kernel:\n{difference}")
            }
        }
    }
    if options.record_differences {
        why = Expectation::recorded(case, strict).deviation_line(&outcome);
    }
    Err(why)
}
