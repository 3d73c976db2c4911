//! `lvs-vip`: puts the addresses of services on a director's interface and tells the network, takes
//! them away, tells where they are.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use crate::host::announce::Announcer;
use crate::host::error_text;
use crate::host::links::Network;
use crate::netlink::route::{Address, Link, Scope};
use crate::report::{WriteError, lvs_vip as status};
use crate::show::vip::{self as show, Place};

use arguments::{Refused, Request, Verb, Vip};

pub mod arguments;

/// What the program is called in what it says.
const PROGRAM: &str = "lvs-vip";

/// The time between two announcements: whoever lost one hears another.
const PAUSE: Duration = Duration::from_millis(200);

/// Why the program ends early: what to say, and the exit status.
struct Failure {
    text: String,
    status: u8,
}

/// `what` failed.
fn failure(what: impl Display) -> impl FnOnce(io::Error) -> Failure {
    move |error| Failure {
        text: format!("{what}: {}", error_text(&error)),
        status: status::FAILED,
    }
}

/// Runs the program with the words of its command line, its name first; gives back the exit status.
pub fn run(
    words: impl IntoIterator<Item = OsString>,
    output: &mut dyn Write,
    errors: &mut dyn Write,
) -> u8 {
    let mut told = String::new();
    let outcome = match arguments::parse(words) {
        Err(Refused::Help(text)) => {
            told = text;
            Ok(status::DONE)
        }
        Err(Refused::Wrong(text)) => Err(Failure {
            text,
            status: status::USAGE,
        }),
        Ok(request) => answer(&request, &mut told),
    };
    // Nobody is left to tell when standard error is gone.
    let status = outcome.unwrap_or_else(|Failure { text, status }| {
        let _ = writeln!(errors, "{PROGRAM}: {text}");
        status
    });
    let written = output.write_all(told.as_bytes());
    match written.and_then(|()| output.flush()) {
        Ok(()) => status,
        Err(error) => {
            let program = PROGRAM;
            let error = &error;
            let _ = writeln!(errors, "{}", WriteError { program, error });
            status.max(status::FAILED)
        }
    }
}

/// Does what is asked for; adds to `told` what it did, also when it fails midway.
fn answer(request: &Request, told: &mut String) -> Result<u8, Failure> {
    let mut network = Network::open().map_err(failure("rtnetlink"))?;
    let links = network.links().map_err(failure("links"))?;
    let addresses = network.addresses().map_err(failure("addresses"))?;
    let link = match &request.device {
        Some(name) => Some(find(&links, name)?),
        None => None,
    };
    let on = |vip: Vip| {
        addresses.iter().filter(move |there| {
            there.address == vip.address && link.is_none_or(|link| link.index == there.link)
        })
    };
    match (request.verb, link) {
        (Verb::Add, Some(link)) => {
            for &vip in &request.vips {
                if on(vip).next().is_none() {
                    network
                        .add_address(&address(vip, link, request.label.clone()))
                        .map_err(failure(format_args!("add {vip} to {}", link.name)))?;
                    told.push_str(&show::added(&vip, &link.name));
                }
            }
            announce(request, link, told)?;
            Ok(status::DONE)
        }
        // The command line asks for an interface.
        (Verb::Add, None) => Ok(status::USAGE),
        (Verb::Delete, _) => {
            for &vip in &request.vips {
                for there in on(vip) {
                    let name = name(&links, there.link);
                    network
                        .remove_address(there)
                        .map_err(failure(format_args!("remove {vip} from {name}")))?;
                    told.push_str(&show::removed(&vip, name));
                }
            }
            Ok(status::DONE)
        }
        (Verb::Show, _) => {
            let places: Vec<Place<'_>> = request
                .vips
                .iter()
                .map(|&vip| Place {
                    vip: vip.address,
                    devices: on(vip).map(|there| name(&links, there.link)).collect(),
                })
                .collect();
            told.push_str(&match request.json {
                true => show::json(&places),
                false => show::text(&places),
            });
            let there = places.iter().filter(|place| !place.devices.is_empty());
            Ok(match there.count() {
                0 => status::ABSENT,
                count if count == places.len() => status::DONE,
                _ => status::PARTLY,
            })
        }
    }
}

/// Tells the network where the VIPs are, also those that were there before: whoever calls has
/// reason to think that it does not know.
fn announce(request: &Request, link: &Link, told: &mut String) -> Result<(), Failure> {
    let announcer = match request.announcements {
        0 => None,
        _ => Announcer::open(&link.name).map_err(failure(format_args!("{}", link.name)))?,
    };
    // Nobody asks a loopback interface who is there.
    let Some(announcer) = announcer else {
        return Ok(());
    };
    for round in 0..request.announcements {
        if round > 0 {
            thread::sleep(PAUSE);
        }
        for vip in &request.vips {
            announcer
                .announce(vip.address)
                .map_err(failure(format_args!("announce {vip} on {}", link.name)))?;
        }
    }
    for vip in &request.vips {
        told.push_str(&show::announced(
            vip.address,
            &link.name,
            request.announcements,
        ));
    }
    Ok(())
}

/// A VIP as it is put on a director's interface.
///
/// One of IPv6 is not looked for on the network, where it may still be at the director that had it;
/// and deprecated, so that nothing comes from it unless asked to: a packet that IPVS tunnels from the
/// VIP is dropped by the real server, which has the VIP too.
fn address(vip: Vip, link: &Link, label: Option<String>) -> Address {
    Address {
        link: link.index,
        address: vip.address,
        prefix: vip.prefix,
        scope: Scope::UNIVERSE,
        label: label.filter(|_| vip.address.is_ipv4()),
        deprecated: vip.address.is_ipv6(),
        tentative: false,
    }
}

fn find<'l>(links: &'l [Link], name: &str) -> Result<&'l Link, Failure> {
    links
        .iter()
        .find(|link| link.name == name)
        .ok_or_else(|| Failure {
            text: format!("no such interface: {name}"),
            status: status::USAGE,
        })
}

fn name(links: &[Link], index: u32) -> &str {
    let link = links.iter().find(|link| link.index == index);
    link.map_or("?", |link| &link.name)
}
