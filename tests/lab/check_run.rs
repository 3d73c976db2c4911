//! `lvs-check run -f`: a keepalived.conf, its rhythms, who is told, and reloads under way.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use lvskit::host::links::Network;
use lvskit::netlink::route::Address;
use nix::sys::signal::Signal;

use crate::check::{Balanced, FIRST, FOLDER, Loop, SECOND, SERVICE, SORRY, said};
use crate::clients::{Background, done};
use crate::fail::{Context, Result};
use crate::namespace::in_network;
use crate::traffic::BALANCER;
use crate::world::World;

/// Another service of a group, by mark.
const MARK: &str = "-A -f 7 -s rr\n";

/// What a configuration says of both servers.
const CHECKED: &str = "TCP_CHECK {\n connect_timeout 2\n delay_before_retry 0.1\n }";

fn file(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

fn write(name: &str, text: &str) -> Result {
    fs::write(file(name), text).context(name)
}

/// The service with both servers; `service` and `second` stand in their blocks.
fn configuration(service: &str, second: &str) -> String {
    format!(
        "virtual_server 10.96.0.1 80 {{\n protocol TCP\n lb_algo rr\n lb_kind NAT\n \
         delay_loop 0.2\n{service}\n \
         real_server 10.98.0.2 80 {{\n {CHECKED}\n }}\n \
         real_server 10.98.0.3 80 {{\n weight 5\n uthreshold 900\n lthreshold 800\n{second}\n \
         {CHECKED}\n }}\n}}\n"
    )
}

fn told() -> String {
    fs::read_to_string(said()).unwrap_or_default()
}

/// A program that writes its arguments, and who runs it, to a file.
fn teller() -> Result<(String, PathBuf)> {
    let (tool, heard) = (file("teller"), file("heard"));
    let _ = fs::remove_file(&heard);
    write("heard", "")?;
    let mode = |mode| fs::Permissions::from_mode(mode);
    fs::set_permissions(&heard, mode(0o666)).context("heard")?;
    let text = format!("#!/bin/sh\necho \"$*\" $(id -u) >> {}\n", heard.display());
    fs::write(&tool, text).context("teller")?;
    fs::set_permissions(&tool, mode(0o755)).context("teller")?;
    Ok((tool.display().to_string(), heard))
}

/// What it wrote must soon be these lines, in any order.
fn heard_is(heard: &Path, expected: &str) -> Result {
    let mut found = String::new();
    for _ in 0..50 {
        found = fs::read_to_string(heard).unwrap_or_default();
        let sorted = |text: &str| {
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        if sorted(&found) == sorted(expected) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(format!(
        "the scripts were told\n{found}not\n{expected}{}",
        told()
    ))
}

/// They leave and come back, a sorry server stands in, and those are told who shall be, without a
/// shell and as the user that is named; the end takes the services away.
pub fn servers_follow_their_checks_and_scripts_are_told(world: &mut World) -> Result {
    let mut balanced = Balanced::new(world)?;
    balanced.ipvsadm("-C")?;
    let (tool, heard) = teller()?;
    let service = format!(
        "sorry_server 10.98.0.9 80\nquorum_up \"{tool} 'quorum  up' $HOME\"\n\
         quorum_down \"{tool} quorum down\""
    );
    let second = format!("notify_up \"{tool} up\" root root\n notify_down \"{tool} down\"");
    write("conf", &configuration(&service, &second))?;
    let options = format!("run -f {}", file("conf").display());
    balanced.kill_server();
    let mut running = Loop::start(&balanced.check, &options)?;
    balanced.table_is_soon(&[SERVICE, FIRST])?;
    heard_is(&heard, "down 0\nquorum  up $HOME 0\n")?;
    write("heard", "")?;
    balanced.start_server()?;
    balanced.table_is_soon(&[SERVICE, FIRST, SECOND])?;
    heard_is(&heard, "up 0\n")?;
    write("heard", "")?;
    balanced.servers.clear();
    balanced.table_is_soon(&[SERVICE, SORRY])?;
    heard_is(&heard, "down 0\nquorum down 0\n")?;
    running.stop()?;
    balanced.table_is(&[])?;
    heard_is(&heard, "down 0\nquorum down 0\n")?;

    // Down is told at the end, and the services stay.
    write("heard", "")?;
    write(
        "conf",
        &configuration(&format!("omega\nalpha\n{service}"), &second),
    )?;
    balanced.servers = crate::clients::servers()?;
    let mut running = Loop::start(&balanced.check, &options)?;
    balanced.table_is_soon(&[SERVICE, FIRST, SECOND])?;
    heard_is(&heard, "quorum  up $HOME 0\nup 0\n")?;
    write("heard", "")?;
    running.stop()?;
    balanced.table_is(&[])?;
    heard_is(&heard, "down 0\nquorum down 0\n")?;
    let mut running = Loop::start(&balanced.check, &format!("{options} --keep"))?;
    balanced.table_is_soon(&[SERVICE, FIRST, SECOND])?;
    running.stop()?;
    balanced.table_is(&[SERVICE, FIRST, SECOND])
}

/// Its name, its niceness, its CPUs and its memory are as the file says, also after a reload. What a
/// file says is acted on.
pub fn a_process_runs_as_its_file_says(world: &mut World) -> Result {
    let balanced = Balanced::new(world)?;
    balanced.ipvsadm("-C")?;
    write("load", "0")?;
    let tracked = "FILE_CHECK {\n track_file load\n}";
    let service = configuration("", tracked);
    let conf = |global: &str| {
        let path = file("load");
        let files = format!(
            "track_file load {{\n file {}\n weight 0\n}}\n",
            path.display()
        );
        let text = format!("global_defs {{\n{global}\n}}\n{files}{service}");
        write("conf", &text)
    };
    conf(
        "checker_process_name checks\n checker_priority 5\n checker_cpu_affinity 0\n \
         checker_no_swap",
    )?;
    let options = format!("run -f {}", file("conf").display());
    let mut running = Loop::start(&balanced.check, &options)?;
    balanced.table_is_soon(&[SERVICE, FIRST, SECOND])?;
    let process = format!("/proc/{}", running.0.id());
    let runs = |name: &str, niceness: &str, is_locked: bool, is_real_time: bool| {
        let read = |file: &str| fs::read_to_string(format!("{process}/{file}")).context(file);
        let (stat, status) = (read("stat")?, read("status")?);
        let fields: Vec<&str> = stat.split(' ').collect();
        let (found_niceness, policy) = (fields[18], fields[40]);
        let locked = status.lines().find(|line| line.starts_with("VmLck:"));
        let cpus = status
            .lines()
            .find(|line| line.starts_with("Cpus_allowed_list:"));
        let is_as_it_shall_be = stat.contains(&format!("({name})"))
            && found_niceness == niceness
            && (policy == "2") == is_real_time
            && locked.is_some_and(|line| !line.ends_with("\t       0 kB")) == is_locked
            && cpus.is_some_and(|line| line.ends_with("\t0"));
        match is_as_it_shall_be {
            true => Ok(()),
            false => Err(format!("{stat}{status}{}", told())),
        }
    };
    runs("checks", "5", true, false)?;
    conf("lvs_process_name loop\n checker_rt_priority 3\n checker_cpu_affinity 0")?;
    running.signal(Signal::SIGHUP)?;
    for _ in 0..50 {
        if told().contains("reloaded") {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    runs("loop", "0", false, true)?;

    write("load", "1")?;
    balanced.table_is_soon(&[SERVICE, FIRST])?;
    write("load", "0")?;
    balanced.table_is_soon(&[SERVICE, FIRST, SECOND])?;
    running.stop()
}

/// What has not changed is there all the time, and is checked as before; what is new is checked
/// first; what is gone goes. A file with a mistake changes nothing, and is told with its line.
pub fn a_reload_changes_what_has_changed(world: &mut World) -> Result {
    let mut balanced = Balanced::new(world)?;
    balanced.ipvsadm("-C")?;
    balanced.ipvsadm("-A -f 99 -s rr")?;
    let foreign = "-A -f 99 -s rr\n";
    write("conf", &configuration("", ""))?;
    let options = format!("run -f {}", file("conf").display());
    let mut running = Loop::start(&balanced.check, &options)?;
    balanced.table_is_soon(&[SERVICE, FIRST, SECOND, foreign])?;

    // Reloads in a row, with and without changes.
    let ipvsadm = balanced.ipvsadm.clone();
    let watched = Background::start(move |stop| {
        let mut looks = 0;
        while !stop.load(Ordering::Relaxed) {
            let table = done(&ipvsadm, "-Sn", "")?;
            looks += 1;
            if !table.contains(FIRST) || !table.contains("-r 10.98.0.3:80") {
                return Err(format!("in look {looks} the table was\n{table}"));
            }
        }
        Ok(looks)
    });
    let mut expected = SECOND.to_owned();
    for round in 0..12 {
        let weight = match round % 3 {
            0 => 5,
            1 => 6,
            _ => 7,
        };
        let conf = configuration("", "").replace("weight 5", &format!("weight {weight}"));
        expected = SECOND.replace("-w 5", &format!("-w {weight}"));
        write("conf", &conf)?;
        running.signal(Signal::SIGHUP)?;
        std::thread::sleep(Duration::from_millis(300));
    }
    balanced.table_is_soon(&[SERVICE, FIRST, &expected, foreign])?;
    let looks = watched.stop()??;
    if looks < 4 {
        return Err(format!("the table was looked at only {looks} times"));
    }

    // A new server that is dead, a new service with its group, another weight.
    let more = configuration(
        "real_server 10.98.0.77 80 {\n TCP_CHECK {\n connect_timeout 1\n }\n }",
        "",
    ) + "virtual_server_group many {\n fwmark 7\n 10.96.0.1 81\n}\n\
           virtual_server group many {\n protocol TCP\n lb_algo rr\n lb_kind NAT\n delay_loop 0.2\n \
           real_server 10.98.0.2 80 {\n TCP_CHECK {\n connect_timeout 1\n }\n }\n}\n";
    write("conf", &more)?;
    running.signal(Signal::SIGHUP)?;
    let of_mark = "-a -f 7 -r 10.98.0.2:80 -m -w 1\n";
    let third = SERVICE.replace(":80", ":81");
    let of_third = FIRST.replace(":80 -r", ":81 -r");
    let all = [
        SERVICE, FIRST, SECOND, &third, &of_third, MARK, of_mark, foreign,
    ];
    balanced.table_is_soon(&all)?;
    std::thread::sleep(Duration::from_millis(1500));
    balanced.table_is(&all)?;

    // Mistakes.
    for (mistake, line) in [
        ("virtual_serve 10.96.0.1 80 {\n}\n", "conf:1:"),
        (
            &*configuration("", "notify_up \"/bin/true\" nobody_at_all"),
            "conf:17:",
        ),
    ] {
        write("conf", mistake)?;
        let before = told().len();
        running.signal(Signal::SIGHUP)?;
        std::thread::sleep(Duration::from_secs(1));
        balanced.table_is(&all)?;
        let told = told().split_off(before);
        if !told.contains(line) || !told.contains("lvs-check: not reloaded: ") {
            return Err(format!("{line} is not in\n{told}"));
        }
    }
    // It still follows.
    balanced.kill_server();
    let without = [SERVICE, FIRST, &third, &of_third, MARK, of_mark, foreign];
    balanced.table_is_soon(&without)?;
    write("conf", &configuration("", ""))?;
    running.signal(Signal::SIGHUP)?;
    balanced.table_is_soon(&[SERVICE, FIRST, foreign])?;
    balanced.start_server()?;
    balanced.table_is_soon(&[SERVICE, FIRST, SECOND, foreign])?;
    running.stop()?;
    balanced.table_is(&[foreign])
}

/// It is killed, and what it had put there is another's now: the next keeps what lives, corrects
/// weights, removes what is gone from the file, and leaves alone what others have made.
pub fn a_killed_loop_is_taken_up_by_the_next(world: &mut World) -> Result {
    let mut balanced = Balanced::new(world)?;
    balanced.ipvsadm("-C")?;
    balanced.ipvsadm("-A -f 99 -s rr")?;
    let foreign = "-A -f 99 -s rr\n";
    let other = "virtual_server fwmark 7 {\n lb_algo rr\n lb_kind NAT\n \
                 real_server 10.98.0.2 80 {\n }\n}\n";
    let of_mark = "-a -f 7 -r 10.98.0.2:80 -m -w 1\n";
    write("conf", &(configuration("", "") + other))?;
    let options = format!("run -f {}", file("conf").display());
    let mut running = Loop::start(&balanced.check, &options)?;
    balanced.table_is_soon(&[SERVICE, FIRST, SECOND, MARK, of_mark, foreign])?;
    std::thread::sleep(Duration::from_millis(1500));
    running.0.kill().context("kill")?;
    running.0.wait().context("wait")?;
    balanced.table_is(&[SERVICE, FIRST, SECOND, MARK, of_mark, foreign])?;
    balanced.kill_server();
    write(
        "conf",
        &configuration("", "").replace(
            "real_server 10.98.0.2 80 {",
            "real_server 10.98.0.2 80 {\n weight 3",
        ),
    )?;
    let mut running = Loop::start(&balanced.check, &options)?;
    let third = FIRST.replace("-w 1", "-w 3");
    balanced.table_is_soon(&[SERVICE, &third, foreign])?;
    balanced.ipvsadm("-C")?;
    balanced.table_is_soon(&[SERVICE, &third])?;
    running.stop()?;
    balanced.table_is(&[])
}

/// Orders count more than checks; what is disabled is so across reload and restart; a weight and a
/// drain hold until the reload, unless they shall hold always; a server that comes back starts slowly.
pub fn what_is_ordered_holds(world: &mut World) -> Result {
    let mut balanced = Balanced::new(world)?;
    balanced.ipvsadm("-C")?;
    let _ = fs::remove_dir_all("/var/lib/lvskit");
    write("conf", &configuration("", ""))?;
    let options = format!("run -f {} --slow-start 4", file("conf").display());
    let mut running = Loop::start(&balanced.check, &options)?;
    let weight = |weight: u32| SECOND.replace("-w 5", &format!("-w {weight}"));
    balanced.table_is_soon(&[SERVICE, FIRST, SECOND])?;
    let ask = |balanced: &Balanced, arguments: &str| done(&balanced.check, arguments, "");
    let server = "10.96.0.1:80 10.98.0.3";
    for (order, answer, table) in [
        (
            "drain",
            "10.98.0.3:80 has weight 0\n",
            &[SERVICE, FIRST, &weight(0)][..],
        ),
        (
            "enable",
            "10.98.0.3:80 has weight 5\n",
            &[SERVICE, FIRST, SECOND],
        ),
        (
            "disable",
            "10.98.0.3:80 is not in the table\n",
            &[SERVICE, FIRST],
        ),
    ] {
        let found = ask(&balanced, &format!("{order} {server}"))?;
        if found != answer {
            return Err(format!("{order}: {found}"));
        }
        balanced.table_is(table)?;
    }
    running.signal(Signal::SIGHUP)?;
    std::thread::sleep(Duration::from_secs(1));
    balanced.table_is(&[SERVICE, FIRST])?;
    let sockets = fs::read_dir("/run/lvskit").context("/run/lvskit")?;
    let mut sockets = sockets.flatten().map(|entry| entry.path());
    let socket = sockets.find(|path| path.to_string_lossy().contains("/check.sock."));
    let mode = fs::metadata(socket.ok_or("no socket")?)
        .context("socket")?
        .permissions();
    if mode.mode() & 0o777 != 0o600 {
        return Err(format!("the socket has mode {:o}", mode.mode()));
    }
    running.stop()?;
    running = Loop::start(&balanced.check, &options)?;
    balanced.table_is_soon(&[SERVICE, FIRST])?;
    std::thread::sleep(Duration::from_secs(1));
    balanced.table_is(&[SERVICE, FIRST])?;
    let status = ask(&balanced, "status")?;
    let is_there = |line: &str| {
        status
            .lines()
            .any(|found| found.starts_with(line) && found.ends_with(" s, disable"))
    };
    if !is_there("up tcp:10.96.0.1:80 10.98.0.3:80 weight - for ") {
        return Err(format!("the status is\n{status}"));
    }
    ask(&balanced, &format!("enable {server}"))?;
    balanced.table_is(&[SERVICE, FIRST, SECOND])?;

    ask(&balanced, &format!("weight {server} 9"))?;
    balanced.table_is(&[SERVICE, FIRST, &weight(9)])?;
    running.signal(Signal::SIGHUP)?;
    balanced.table_is_soon(&[SERVICE, FIRST, SECOND])?;
    ask(&balanced, &format!("drain {server}"))?;
    balanced.table_is(&[SERVICE, FIRST, &weight(0)])?;
    running.signal(Signal::SIGHUP)?;
    balanced.table_is_soon(&[SERVICE, FIRST, SECOND])?;
    ask(&balanced, &format!("weight --persist {server} 8"))?;
    let _ = fs::remove_dir_all("/run/lvskit");
    running.signal(Signal::SIGHUP)?;
    std::thread::sleep(Duration::from_secs(1));
    balanced.table_is(&[SERVICE, FIRST, &weight(8)])?;
    running.stop()?;
    running = Loop::start(&balanced.check, &options)?;
    balanced.table_is_soon(&[SERVICE, FIRST, &weight(8)])?;

    // It comes back with little, and has all in the end.
    balanced.kill_server();
    balanced.table_is_soon(&[SERVICE, FIRST])?;
    balanced.start_server()?;
    balanced.table_is_soon(&[SERVICE, FIRST, &weight(8)])?;
    let told = told();
    let steps = told
        .lines()
        .filter(|line| line.starts_with("ipvsadm -e ") && line.contains("10.98.0.3"));
    if steps.count() < 3 {
        return Err(format!("the weight did not grow:\n{told}"));
    }
    running.stop()?;
    let _ = fs::remove_dir_all("/var/lib/lvskit");
    let refused = crate::clients::call(&balanced.check, &format!("drain {server}"), "")?;
    let nobody = "lvs-check: no lvs-check run listens: /run/lvskit/check.sock.";
    match refused.stderr.starts_with(nobody) {
        true => Ok(()),
        false => Err(format!("nobody said {}", refused.stderr)),
    }
}

/// A mail server on the balancer, which writes down what it is told.
fn mail_server() -> Result<Background<Result<String>>> {
    let listener = in_network(BALANCER, || {
        TcpListener::bind("127.0.0.1:2525").context("bind")
    })?;
    listener.set_nonblocking(true).context("listener")?;
    Ok(Background::start(move |stop| {
        let mut all = String::new();
        while !stop.load(Ordering::Relaxed) {
            let Ok((stream, _)) = listener.accept() else {
                std::thread::sleep(Duration::from_millis(20));
                continue;
            };
            stream.set_nonblocking(false).context("stream")?;
            let mut writer = stream.try_clone().context("clone")?;
            let mut say = |text: &[u8]| writer.write_all(text).context("say");
            say(b"220 here\r\n")?;
            let mut in_mail = false;
            for line in BufReader::new(stream).lines() {
                let line = line.context("line")?;
                all += &format!("{line}\n");
                in_mail = match (in_mail, line.as_str()) {
                    (true, ".") => false,
                    (true, _) => continue,
                    (false, line) => line == "DATA",
                };
                say(if in_mail {
                    b"354 go on\r\n"
                } else {
                    b"250 yes\r\n"
                })?;
                if line == "QUIT" {
                    break;
                }
            }
        }
        Ok(all)
    }))
}

/// Lines go into a pipe, mails to a server; and while the address is elsewhere, nobody is asked.
pub fn pipes_and_mails_tell_and_checks_rest(world: &mut World) -> Result {
    let mut balanced = Balanced::new(world)?;
    balanced.ipvsadm("-C")?;
    let mails = mail_server()?;
    let (pipe, heard, reader) = (file("pipe"), file("heard"), file("reader"));
    let _ = fs::remove_file(&pipe);
    let _ = fs::remove_file(&heard);
    let text = format!("#!/bin/sh\nexec cat \"$2\" > {}\n", heard.display());
    write("reader", &text)?;
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&reader, mode).context("reader")?;
    let global = format!(
        "global_defs {{\n router_id lb1\n smtp_server 127.0.0.1 2525\n \
         smtp_helo_name lb1.example\n notification_email {{\n root@example.org\n }}\n \
         notification_email_from lb@example.org\n lvs_notify_fifo {}\n \
         lvs_notify_fifo_script \"{} x\"\n}}\n",
        pipe.display(),
        reader.display()
    );
    let service = "ha_suspend\nsmtp_alert\nalpha";
    write("conf", &(global + &configuration(service, "")))?;
    let options = format!("run -f {}", file("conf").display());
    let mut running = Loop::start(&balanced.check, &options)?;
    balanced.table_is_soon(&[SERVICE, FIRST, SECOND])?;
    let vip = |here: bool| {
        in_network(BALANCER, || {
            let mut network = Network::open().context("network")?;
            let all = network.addresses().context("addresses")?;
            let of_loopback = all
                .iter()
                .find(|one| one.address == IpAddr::from([127, 0, 0, 1]));
            let address = Address {
                address: IpAddr::from([10, 96, 0, 1]),
                prefix: 32,
                label: None,
                ..of_loopback.ok_or("no loopback")?.clone()
            };
            match here {
                true => network.add_address(&address).context("add"),
                false => network.remove_address(&address).context("remove"),
            }
        })
    };
    vip(false)?;
    std::thread::sleep(Duration::from_millis(500));
    balanced.kill_server();
    std::thread::sleep(Duration::from_secs(3));
    balanced.table_is(&[SERVICE, FIRST, SECOND])?;
    vip(true)?;
    balanced.table_is_soon(&[SERVICE, FIRST])?;
    let (rs, vs) = ("RS [10.98.0", "[10.96.0.1]:tcp:80");
    heard_is(
        &heard,
        &format!(
            "{rs}.2]:tcp:80 {vs} UP\n{rs}.3]:tcp:80 {vs} UP\nVS {vs} UP\n{rs}.3]:tcp:80 {vs} DOWN\n"
        ),
    )?;
    running.stop()?;
    if pipe.exists() {
        return Err("the pipe is still there".into());
    }
    let mails = mails.stop()??;
    for line in [
        "HELO lb1.example",
        "MAIL FROM:<lb@example.org>",
        "RCPT TO:<root@example.org>",
        "Subject: [lb1] Realserver [10.98.0.3]:tcp:80 of virtual server [10.96.0.1]:tcp:80 - DOWN",
        "Subject: [lb1] Virtualserver [10.96.0.1]:tcp:80 - UP",
    ] {
        if !mails.lines().any(|found| found == line) {
            return Err(format!("{line} is not in\n{mails}"));
        }
    }
    let told = told();
    match told.contains("checks of [10.96.0.1]:tcp:80 rest\n") {
        true => Ok(()),
        false => Err(format!("that they rest is not told:\n{told}")),
    }
}
