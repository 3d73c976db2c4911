//! The plans of `lvs-realserver` on hosts of all kinds, carried out on paper: nobody ever hears of a
//! VIP, and wherever a plan is cut off, the next one makes it good.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use lvskit::addr::Family;
use lvskit::netlink::route::{Link, Route};
use lvskit::realserver::memory::{Memory, Place};
use lvskit::realserver::plan::{self, Plan, Step};
use lvskit::realserver::status::{Standing, State};
use lvskit::realserver::verify::{Fault, configured, verify};
use lvskit::realserver::{
    ALL, ClampSize, DEFAULT, Host, Knob, Mode, Setting, Tunnel, Wanted, arp, vip_address,
};
use proptest::prelude::*;

const NICS: [&str; 2] = ["eth0", "eth1.100"];

/// A host with two NICs whose settings are `values`, one after the other and again from the first.
fn host(values: &[i32]) -> Host {
    let mut host = Host {
        clamps: Some(BTreeSet::new()),
        ..Host::default()
    };
    let mut values = values.iter().cycle().copied();
    for (index, name) in (1..).zip(["lo"].into_iter().chain(NICS)) {
        host.links.push(link(index, name, name != "eth1.100"));
    }
    for device in [ALL, DEFAULT, "lo"].into_iter().chain(NICS) {
        for setting in Setting::ALL {
            let value = match setting {
                Setting::DisableIpv6 => 0,
                _ => values.next().unwrap_or(0),
            };
            host.settings.insert(Knob::new(device, setting), value);
        }
    }
    let own = vip_address("192.0.2.10".parse().unwrap(), 2, None);
    host.addresses.push(lvskit::netlink::route::Address {
        prefix: 24,
        scope: lvskit::netlink::route::Scope::UNIVERSE,
        ..own
    });
    host
}

fn link(index: u32, name: &str, up: bool) -> Link {
    let is_nic = NICS.contains(&name);
    Link {
        index,
        name: name.to_owned(),
        up,
        loopback: name == "lo",
        arp: is_nic,
        mtu: 1500,
        member_of: None,
    }
}

/// What a step does to a host.
fn take(host: &mut Host, step: &Step) {
    let index = |host: &Host, name: &str| host.link(name).unwrap().index;
    let set_up = |host: &mut Host, name: &str, up| {
        let link = host.links.iter_mut().find(|link| link.name == name);
        link.unwrap().up = up;
    };
    match step {
        Step::LoadModule(module) => {
            let families = [Family::V4, Family::V6].map(Tunnel::of);
            let tunnel = families.iter().find(|tunnel| tunnel.module == *module);
            let device = tunnel.unwrap().device;
            host.links
                .push(link(10 + host.links.len() as u32, device, false));
            for setting in Setting::ALL {
                let value = host.setting(DEFAULT, setting).unwrap();
                host.settings.insert(Knob::new(device, setting), value);
            }
        }
        Step::Set { knob, from, to } => {
            assert_eq!(host.settings.insert(knob.clone(), *to), Some(*from));
        }
        Step::LinkUp(device) => set_up(host, device, true),
        Step::LinkDown(device) => set_up(host, device, false),
        Step::AddAddress { vip, device, label } => {
            let address = vip_address(*vip, index(host, device), label.clone());
            host.addresses.push(address);
        }
        Step::RemoveAddress { vip, device } => {
            let gone = vip_address(*vip, index(host, device), None);
            host.addresses
                .retain(|entry| (entry.address, entry.link) != (gone.address, gone.link));
        }
        Step::AddRoute { vip, device } => host.routes.push(Route {
            destination: *vip,
            prefix: 32,
            link: index(host, device),
        }),
        Step::RemoveRoute { vip, .. } => host.routes.retain(|route| route.destination != *vip),
        Step::Clamp(clamp) => assert!(host.clamps.as_mut().unwrap().insert(*clamp)),
        Step::Unclamp(clamp) => assert!(host.clamps.as_mut().unwrap().remove(clamp)),
    }
}

/// Carries out the first `count` steps; whenever a VIP is there, nobody may hear of it.
fn carry_out(host: &mut Host, plan: &Plan, vips: &[IpAddr], count: usize) {
    for step in plan.steps.iter().take(count) {
        take(host, step);
        for vip in vips.iter().filter(|vip| vip.is_ipv4()) {
            let is_here = host.addresses.iter().any(|entry| entry.address == *vip);
            for link in host
                .links
                .iter()
                .filter(|link| is_here && arp::speaks(link))
            {
                assert!(!arp::answers(host, link, vip), "{step}: {}", link.name);
                assert!(!arp::announces(host, link, vip), "{step}: {}", link.name);
            }
        }
    }
}

/// As the program does it: modules first, then a look at what came of them.
fn start(host: &mut Host, memory: &Memory, wanted: &Wanted, count: usize) -> Memory {
    loop {
        let plan = plan::start(host, memory, wanted).unwrap();
        match plan.steps.first() {
            Some(module @ Step::LoadModule(_)) => take(host, module),
            _ => {
                carry_out(host, &plan, &wanted.vips, count);
                return plan.memory;
            }
        }
    }
}

fn fresh() -> Memory {
    Memory::new(Place {
        boot: "b".into(),
        network: 1,
    })
}

fn wanted(mode: Mode, vips: &[&str]) -> Wanted {
    Wanted {
        vips: vips.iter().map(|vip| vip.parse().unwrap()).collect(),
        mode,
        device: None,
        label: None,
        clamp: (mode == Mode::Tunnel).then_some(ClampSize::Fitting),
    }
}

/// What matters of a host, but for devices that a module made.
fn essence(host: &Host) -> (BTreeMap<Knob, i32>, Vec<String>, usize) {
    let is_made = |name: &str| name.contains("tnl") || name.contains("tunl");
    let settings = host.settings.clone().into_iter();
    let settings = settings.filter(|(knob, _)| !is_made(&knob.device));
    let mut up: Vec<String> = host
        .links
        .iter()
        .filter(|link| link.up)
        .map(|link| link.name.clone())
        .collect();
    up.extend(host.addresses.iter().map(|entry| entry.address.to_string()));
    let clamps = host.clamps.as_ref().map_or(0, BTreeSet::len);
    (settings.collect(), up, host.routes.len() + clamps)
}

const VIPS: [&str; 3] = ["192.0.2.100", "2001:db8::100", "192.0.2.101"];

proptest! {
    #[test]
    fn nobody_hears_of_a_vip_and_each_cut_is_made_good(
        values in prop::collection::vec(-1..10, 15),
        tunnel: bool,
        start_cut in 0..20usize,
        stop_cut in 0..20usize,
    ) {
        let mode = if tunnel { Mode::Tunnel } else { Mode::Direct };
        let wanted = wanted(mode, &VIPS);
        let before = host(&values);
        let mut host = before.clone();

        // A start that is cut off, and a stop.
        let memory = start(&mut host, &fresh(), &wanted, start_cut);
        let memory: Memory = memory.to_string().parse().unwrap();
        let mut stopped = host.clone();
        let plan = plan::stop(&stopped, &memory, &wanted.vips);
        carry_out(&mut stopped, &plan, &wanted.vips, usize::MAX);
        prop_assert!(plan.memory.is_empty());
        prop_assert_eq!(essence(&stopped), essence(&before));

        // Or a start again, which finds nothing to do the third time.
        let memory = start(&mut host, &memory, &wanted, usize::MAX);
        let again = plan::start(&host, &memory, &wanted).unwrap();
        prop_assert_eq!(again.steps, []);
        prop_assert_eq!(again.left, []);
        let standings = wanted.vips.iter().map(|vip| Standing::of(&host, &memory, *vip, None, None));
        prop_assert_eq!(State::of(&standings.collect::<Vec<_>>()), State::Running);
        let report = verify(&host, &memory, &[], &wanted.vips, None);
        prop_assert!(report.is_well(), "{report:?}");

        // A stop that is cut off, and another.
        let plan = plan::stop(&host, &memory, &wanted.vips);
        carry_out(&mut host, &plan, &wanted.vips, stop_cut);
        let plan = plan::stop(&host, &memory, &wanted.vips);
        carry_out(&mut host, &plan, &wanted.vips, usize::MAX);
        prop_assert!(plan.memory.is_empty());
        prop_assert_eq!(essence(&host), essence(&before));
    }

    #[test]
    fn the_last_vip_to_go_puts_the_settings_back(
        values in prop::collection::vec(0..9, 15),
        first in 0..3usize,
    ) {
        let before = host(&values);
        let mut host = before.clone();
        let mut memory = fresh();
        for vip in VIPS {
            memory = start(&mut host, &memory, &wanted(Mode::Direct, &[vip]), usize::MAX);
        }
        let all = wanted(Mode::Direct, &VIPS).vips;
        for vip in all.iter().cycle().skip(first).take(all.len()) {
            let plan = plan::stop(&host, &memory, &[*vip]);
            carry_out(&mut host, &plan, &all, usize::MAX);
            memory = plan.memory;
        }
        prop_assert!(memory.is_empty());
        prop_assert_eq!(essence(&host), essence(&before));
    }
}

#[test]
fn a_file_that_undoes_a_setting_is_named_unless_a_later_one_mends_it() {
    let mut host = host(&[0]);
    let wanted = wanted(Mode::Direct, &VIPS);
    let memory = start(&mut host, &fresh(), &wanted, usize::MAX);
    let theirs = configured(
        "/etc/sysctl.conf",
        "# x\n net.ipv4.conf.all.arp_ignore=0\nkernel.x=1\n",
    );
    assert_eq!(theirs.len(), 1);
    let report = verify(&host, &memory, &theirs, &wanted.vips, None);
    assert_eq!(report.faults, [Fault::Undone(theirs[0].clone())]);
    let ours = configured(
        "/etc/sysctl.d/z.conf",
        "-net/ipv4/conf/all/arp_ignore = 1\n",
    );
    let both = [theirs, ours].concat();
    let report = verify(&host, &memory, &both, &wanted.vips, None);
    assert_eq!(report.faults, []);
}

#[test]
fn a_setting_that_was_written_since_is_a_fault() {
    let mut host = host(&[0]);
    let wanted = wanted(Mode::Direct, &VIPS);
    let memory = start(&mut host, &fresh(), &wanted, usize::MAX);
    let knob = Knob::new(ALL, Setting::ArpIgnore);
    host.settings.insert(knob.clone(), 0);
    let report = verify(&host, &memory, &[], &wanted.vips, None);
    let changed = Fault::Changed {
        knob,
        set: 1,
        now: 0,
    };
    assert!(report.faults.contains(&changed), "{:?}", report.faults);
}

#[test]
fn a_device_that_answers_arp_for_its_addresses_is_refused() {
    let mut wanted = wanted(Mode::Direct, &VIPS);
    for device in ["eth0", "nowhere"] {
        wanted.device = Some(device.to_owned());
        assert!(
            plan::start(&host(&[0]), &fresh(), &wanted).is_err(),
            "{device}"
        );
    }
}
