//! A director whose `lvs-check` does not live.

use std::sync::atomic::Ordering;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::clients::Background;
use crate::fail::Result;
use crate::guides::DIRECT_ROUTING;
use crate::process::signal_child;
use crate::site::{DIRECTORS, Site, mailed};
use crate::world::World;

const ADDRESS: &str = "192.168.72.100/32";

/// The master's `lvs-check` is killed whenever it is started: the other machine gets the address, and
/// a real mail server the mail. When it lives again, all is as it was.
pub fn a_crash_loop_is_mailed_and_the_address_given_up(world: &mut World) -> Result {
    let mut site = Site::new(world)?;
    let [one, two] = DIRECTORS;
    site.serve_mail(one)?;
    site.start(DIRECT_ROUTING)?;
    site.soon("a master", |site| site.only_on(one, ADDRESS))?;

    let director = site.director(one)?.id();
    let killer = Background::start(move |stop| {
        while !stop.load(Ordering::Relaxed) {
            // There is none between two starts.
            let _ = signal_child(director, "lvs-check", Signal::SIGKILL);
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    site.soon("the other has the address", |site| {
        site.only_on(two, ADDRESS)
    })?;
    site.soon("the mail", |_| {
        Ok(mailed("lvs-check has ended 4 times in a row"))
    })?;
    killer.stop()?;

    site.soon("the address is back", |site| site.only_on(one, ADDRESS))?;
    site.soon("the mail", |_| Ok(mailed("lvs-check is well again")))
}
