//! `--watch` on a terminal of the test's own, and in a pipe.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::num::NonZeroU16;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::{Pid, setsid, tcgetpgrp};

use crate::fail::{Context, Result};
use crate::process::{command, helper};
use crate::world::World;

/// How long anything may take to be seen.
const PATIENCE: Duration = Duration::from_secs(20);

/// The view follows the table, the size of the terminal and the keys; when it is left, the terminal
/// is as it was.
pub fn a_view_follows_the_table_and_leaves_the_terminal_as_it_was(world: &mut World) -> Result {
    table(
        world,
        "-A -t 10.0.0.1:80 -s wrr\n-a -t 10.0.0.1:80 -r 10.0.1.1:80 -g -w 3\n",
    )?;
    let mut terminal = Terminal::start(world, &["--watch", "0.2", "-n"])?;
    terminal.wait_for("its table", |screen| {
        let text = screen.contents();
        screen.alternate_screen()
            && screen.hide_cursor()
            && text.contains("TCP 10.0.0.1:80 wrr")
            && text.contains("● 10.0.1.1:80")
            && text.contains("q quit")
    })?;
    table(
        world,
        "-e -t 10.0.0.1:80 -r 10.0.1.1:80 -g -w 0\n-a -t 10.0.0.1:80 -r 10.0.1.2:80 -m -w 7\n",
    )?;
    terminal.wait_for("a drained server and a new one", |screen| {
        let text = screen.contents();
        text.contains("○ 10.0.1.1:80") && text.contains("+ 10.0.1.2:80")
    })?;
    terminal.keys("w")?;
    terminal.wait_for("the order of weights", |screen| {
        let text = screen.contents();
        text.find("10.0.1.2:80") < text.find("10.0.1.1:80")
    })?;
    terminal.resize(30, 100)?;
    terminal.wait_for("all of the larger screen", |screen| {
        let lines: Vec<String> = screen.rows(0, 100).collect();
        lines[29].contains("q quit") && lines[0].trim_end().len() > 80
    })?;
    terminal.resize(1, 1)?;
    terminal.resize(24, 80)?;
    table(world, "-d -t 10.0.0.1:80 -r 10.0.1.2:80\n")?;
    terminal.wait_for("a server that is gone", |screen| {
        screen.contents().contains("✗ 10.0.1.2:80 gone")
    })?;
    terminal.keys("?")?;
    terminal.wait_for("the help", |screen| {
        screen.contents().contains("sort by weight") || screen.contents().contains("this help")
    })?;
    terminal.keys("\x1b")?;
    terminal.wait_for("the table again", |screen| {
        !screen.contents().contains("this help")
    })?;
    terminal.keys("q")?;
    terminal.ends_with(0)
}

/// A signal that ends the program leaves the terminal given back; who started the program sees
/// which signal it was.
pub fn signals_leave_the_terminal_as_it_was(world: &mut World) -> Result {
    table(world, "-A -u 10.0.0.1:53\n")?;
    let shown = |screen: &vt100::Screen| screen.contents().contains("UDP 10.0.0.1:53");
    for signal in [
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGHUP,
        Signal::SIGQUIT,
    ] {
        let mut terminal = Terminal::start(world, &["--watch", "-n"])?;
        terminal.wait_for("its table", shown)?;
        terminal.signal(signal)?;
        terminal
            .ends_with(-(signal as i32))
            .context(signal.as_str())?;
    }
    // What the user asks for from the keyboard is no signal.
    let mut terminal = Terminal::start(world, &["--watch", "-n"])?;
    terminal.wait_for("its table", shown)?;
    terminal.keys("\x03")?;
    terminal.ends_with(0)
}

/// Stopped by its user or by a signal, the view gives room to the
/// shell, and comes again when the shell lets it.
pub fn a_view_can_be_stopped_and_go_on(world: &mut World) -> Result {
    /// Runs the view as a job, tells when it has stopped, and brings it back when a line comes.
    const SHELL: &str = "set -m; \"$0\" --watch -n; \
        echo stopped 1; read -r; fg; echo stopped 2; read -r; fg; echo ended with $?";
    table(world, "-A -u 10.0.0.1:53\n")?;
    let shown = |screen: &vt100::Screen| {
        screen.alternate_screen() && screen.contents().contains("UDP 10.0.0.1:53")
    };
    let program = world.program.path.to_str().ok_or("no path")?;
    let mut terminal = Terminal::run(Path::new("/bin/bash"), &["-c", SHELL, program])?;
    terminal.wait_for("its table", shown)?;
    for (stop, told) in [(None, "stopped 1"), (Some(Signal::SIGTSTP), "stopped 2")] {
        match stop {
            None => terminal.keys("\x1a")?,
            Some(signal) => terminal.signal_job(signal)?,
        }
        terminal.wait_for("the shell", |screen| screen.contents().contains(told))?;
        terminal.is_as_before()?;
        terminal.keys("\n")?;
        terminal.wait_for("its table again", shown)?;
    }
    terminal.keys("q")?;
    terminal.wait_for("the end", |screen| {
        screen.contents().contains("ended with 0")
    })?;
    terminal.ends_with(0)
}

/// Without a terminal the classic listing comes again and again, each after the time and with an
/// empty line before the next.
pub fn a_pipe_gets_listings(world: &mut World) -> Result {
    table(
        world,
        "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.0.1.1:80\n",
    )?;
    let listing = command(&world.program.path)
        .args(["-L", "-n", "--rate"])
        .output()
        .context("-L")?;
    let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
    let mut child = command(&world.program.path)
        .args(["--watch", "0.2", "-n", "--rate"])
        .stdout(Stdio::piped())
        .spawn()
        .context("--watch")?;
    let output = child.stdout.take().ok_or("no pipe")?;
    let mut lines = BufReader::new(output).lines();
    for _ in 0..2 {
        let time = lines.next().ok_or("no time")?.context("time")?;
        if !time.starts_with("20") || time.len() != "2026-11-21T13:24:27+0000".len() {
            return Err(format!("no time: {time}"));
        }
        let mut text = String::new();
        for line in lines.by_ref() {
            match line.context("line")?.as_str() {
                "" => break,
                line => text += &format!("{line}\n"),
            }
        }
        if text != listing {
            return Err(format!("not the listing:\n{text}"));
        }
    }
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).context("kill")?;
    match child.wait().context("wait")?.signal() {
        Some(libc::SIGINT) => Ok(()),
        other => Err(format!("ended by {other:?}")),
    }
}

fn table(world: &World, rules: &str) -> Result {
    let program = world.program.path.to_str().ok_or("no path")?;
    helper(program, &["-R"], rules)
}

/// A terminal with the program in it.
struct Terminal {
    child: Child,
    /// The end at which a user would sit.
    user: File,
    /// The program's end.
    program: OwnedFd,
    before: Termios,
    screen: vt100::Parser,
}

impl Terminal {
    fn start(world: &World, arguments: &[&str]) -> Result<Self> {
        Self::run(&world.program.path, arguments)
    }

    fn run(program: &Path, arguments: &[&str]) -> Result<Self> {
        let pty = openpty(&winsize(24, 80), None).context("pty")?;
        let before = tcgetattr(&pty.slave).context("settings")?;
        let stream = || pty.slave.try_clone().context("stream");
        let mut command = command(program);
        command
            .args(arguments)
            .env("TERM", "xterm")
            .env("LANG", "C.UTF-8")
            .stdin(stream()?)
            .stdout(stream()?)
            .stderr(stream()?);
        // SAFETY: the closure runs between fork and exec and makes two system calls, which are
        // async-signal-safe; file descriptor 0 is the terminal by then.
        unsafe {
            command.pre_exec(|| {
                setsid()?;
                match libc::ioctl(0, libc::TIOCSCTTY, 0) {
                    0 => Ok(()),
                    _ => Err(std::io::Error::last_os_error()),
                }
            });
        }
        Ok(Terminal {
            child: command.spawn().context(program.display())?,
            user: pty.master.into(),
            program: pty.slave,
            before,
            screen: vt100::Parser::new(count(24), count(80), 0),
        })
    }

    fn keys(&mut self, keys: &str) -> Result {
        self.user.write_all(keys.as_bytes()).context("keys")
    }

    fn resize(&mut self, rows: u16, columns: u16) -> Result {
        self.screen
            .screen_mut()
            .set_size(count(rows), count(columns));
        let size = winsize(rows, columns);
        // SAFETY: TIOCSWINSZ reads a `struct winsize`. The kernel sends SIGWINCH by itself.
        match unsafe { libc::ioctl(self.user.as_raw_fd(), libc::TIOCSWINSZ, &size) } {
            0 => Ok(()),
            _ => Err("the terminal has its size for ever".into()),
        }
    }

    fn signal(&self, signal: Signal) -> Result {
        kill(Pid::from_raw(self.child.id() as i32), signal).context("kill")
    }

    /// Sends a signal to the job in the foreground.
    fn signal_job(&self, signal: Signal) -> Result {
        let job = tcgetpgrp(&self.user).context("job")?;
        kill(job, signal).context("kill")
    }

    /// Reads what the program writes until the screen shows what is expected.
    fn wait_for(&mut self, what: &str, is_there: impl Fn(&vt100::Screen) -> bool) -> Result {
        let deadline = Instant::now() + PATIENCE;
        while !is_there(self.screen.screen()) {
            if Instant::now() > deadline {
                let screen = self.screen.screen().contents();
                return Err(format!("never showed {what}:\n{screen}"));
            }
            self.read()?;
        }
        Ok(())
    }

    /// Takes what the program has written, after a moment if there is nothing yet.
    fn read(&mut self) -> Result {
        let mut ready = [PollFd::new(self.user.as_fd(), PollFlags::POLLIN)];
        let moment = PollTimeout::from(50u8);
        if poll(&mut ready, moment).context("poll")? == 0 {
            return Ok(());
        }
        let mut bytes = [0; 4096];
        match self.user.read(&mut bytes) {
            Ok(length) => self.screen.process(&bytes[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(format!("screen: {error}")),
        }
        Ok(())
    }

    /// Waits for the end: an exit status, or the negative number of a signal. The terminal is as
    /// it was before.
    fn ends_with(&mut self, expected: i32) -> Result {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            self.read()?;
            if let Some(status) = self.child.try_wait().context("wait")? {
                break status;
            }
            if Instant::now() > deadline {
                return Err("did not end".into());
            }
        };
        // What was written last is in the terminal still.
        self.read()?;
        let ended = status.code().or(status.signal().map(|signal| -signal));
        if ended != Some(expected) {
            return Err(format!("ended with {ended:?}, not {expected}"));
        }
        self.is_as_before()
    }

    fn is_as_before(&self) -> Result {
        let screen = self.screen.screen();
        if screen.alternate_screen() || screen.hide_cursor() {
            return Err("the screen was not given back".into());
        }
        match tcgetattr(&self.program).context("settings")? == self.before {
            true => Ok(()),
            false => Err("the terminal has other settings than before".into()),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A number of lines or columns; there is one at least.
fn count(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).unwrap_or(NonZeroU16::MIN)
}

fn winsize(rows: u16, columns: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}
