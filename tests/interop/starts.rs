//! Several starts of the same virtual router.

use std::fs;

use crate::link::Link;
use crate::several::router;
use crate::speaker::Speaker;
use crate::{Case, Outcome};

/// All of them.
pub fn all() -> Vec<Case> {
    vec![Case::new("starts/at-the-same-time", at_the_same_time)]
}

/// Of many that start at once one speaks, and each other says so and ends; when that one is killed the
/// next one speaks at once.
fn at_the_same_time(link: &Link) -> Outcome {
    const TIMES: usize = 3;
    const MANY: usize = 8;
    let text = router("FIRST", "eth0", 101, 150, "");
    for _ in 0..TIMES {
        let mut all = Vec::new();
        for number in 0..MANY {
            all.push(Speaker::again(link, "a", number, &text)?);
        }
        let mut alive = Vec::new();
        link.until(5.0, "one is left", || count_running(&all) == 1)?;
        for mut speaker in all {
            match speaker.status() {
                None => alive.push(speaker),
                Some(1) if speaker.log() == "lvs-vrrp: already running: VRID 101 on eth0\n" => {}
                Some(status) => return Err(format!("status {status}: {}", speaker.log())),
            }
        }
        let winner = alive.pop().ok_or("nobody speaks")?;
        link.until(3.5, "it is master", || link.has("a", "10.9.0.101"))?;
        winner.kill();
    }
    let next = Speaker::again(link, "a", 0, &text)?;
    link.until(3.5, "the next one is master", || {
        next.log().contains("MASTER")
    })?;
    next.stop()
}

fn count_running(all: &[Speaker]) -> usize {
    let is_running = |speaker: &&Speaker| {
        // One that has ended is a zombie until somebody asks for its status.
        let status = fs::read_to_string(format!("/proc/{}/stat", speaker.process()));
        status.is_ok_and(|status| !status.contains(") Z "))
    };
    all.iter().filter(is_running).count()
}
