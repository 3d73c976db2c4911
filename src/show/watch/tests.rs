//! Tests of the view: a table through the time, keys, and what stands on the screen.

use proptest::prelude::*;

use super::draw::Size;
use super::*;
use crate::addr::Numeric;
use crate::show::rows::example;
use crate::show::style::{Ink, paint, width};

const SIZE: Size = Size {
    width: 80,
    height: 24,
};

fn view(form: Form) -> View {
    View::new(Options {
        form,
        counting: Counting::Short,
        glyphs: Glyphs::Unicode,
        interval: Interval::DEFAULT,
        host: "lb1".into(),
    })
}

/// Feeds a table at a time in seconds.
fn feed(view: &mut View, seconds: u64, table: Vec<Group>) {
    let time = format!("12:00:{seconds:02}");
    view.feed(Duration::from_secs(seconds), time, table, &Numeric);
}

/// One service with destinations of these numbers, weights, active connections, and connections
/// so far.
fn web(destinations: &[(u8, i32, u32, u64)]) -> Vec<Group> {
    let row = |&(number, weight, active, connections): &(u8, i32, u32, u64)| {
        let mut row = example::destination(number, weight, active, 0);
        row.stats.connections = connections;
        row
    };
    let mut service = example::service(example::web());
    service.stats.connections = destinations.iter().map(|destination| destination.3).sum();
    vec![Group {
        service,
        destinations: destinations.iter().map(row).collect(),
    }]
}

fn screen(view: &mut View, size: Size) -> Vec<String> {
    let lines = view.render(size).into_iter().map(|line| {
        let mut text = String::new();
        paint(&mut text, &line, Ink::Plain);
        text.trim_end().to_owned()
    });
    lines.collect()
}

/// The lines of the table, without titles and foot.
fn body(view: &mut View) -> Vec<String> {
    let lines = screen(view, SIZE);
    let body = lines[3..SIZE.height as usize - 1].iter();
    body.filter(|line| !line.is_empty()).cloned().collect()
}

/// The last bytes of the addresses, in the order on the screen.
fn numbers(view: &mut View) -> Vec<u8> {
    let lines = body(view);
    let number = |line: &String| {
        line.split_once("10.0.0.")?
            .1
            .split(':')
            .next()?
            .parse()
            .ok()
    };
    lines.iter().filter_map(number).collect()
}

fn press(view: &mut View, keys: &str) {
    for key in keys.chars() {
        view.key(Key::Char(key));
    }
}

#[test]
fn the_screen_shows_the_table_with_rates_and_history() {
    let mut view = view(Form::Plain);
    feed(&mut view, 0, web(&[(11, 3, 31, 100), (12, 0, 0, 7)]));
    feed(&mut view, 2, web(&[(11, 3, 31, 120), (12, 0, 0, 7)]));
    feed(&mut view, 4, web(&[(11, 3, 31, 160), (12, 0, 0, 7)]));
    let lines = screen(&mut view, SIZE);
    assert_eq!(lines.len(), 24);
    let expected = "\
IPVS on lb1, every 2 s                                                  12:00:04
Service / server Forward Weight Active Inact Conn/s  Pkt/s Byte/s History
1 service, 2 servers  1 ○           31     0   20.0      0      0             ▅█
TCP 192.0.2.10:80 wrr               31     0   20.0      0      0             ▅█
● 10.0.0.11:80   Route        3     31     0   20.0      0      0             ▅█
○ 10.0.0.12:80   Route        0      0     0      0      0      0             ▁▁
";
    assert_eq!(lines[..6].join("\n") + "\n", expected);
}

#[test]
fn what_comes_goes_and_changes_is_seen_for_a_while() {
    let mut view = view(Form::Plain);
    feed(&mut view, 0, web(&[(11, 1, 0, 0), (12, 1, 0, 0)]));
    assert!(body(&mut view)[1].starts_with("● 10.0.0.11:80"));
    feed(&mut view, 2, web(&[(11, 1, 0, 0), (13, 1, 0, 0)]));
    let lines = body(&mut view);
    assert!(lines[2].starts_with("+ 10.0.0.13:80"), "{lines:?}");
    assert!(lines[3].starts_with("✗ 10.0.0.12:80"), "{lines:?}");
    feed(&mut view, 12, web(&[(11, 0, 0, 0), (13, 1, 0, 0)]));
    let lines = body(&mut view);
    assert!(lines[1].starts_with("○ 10.0.0.11:80"), "{lines:?}");
    assert!(lines[2].starts_with("● 10.0.0.13:80"), "{lines:?}");
    assert_eq!(lines.len(), 3);
    feed(&mut view, 14, vec![]);
    assert!(body(&mut view)[0].contains("wrr gone"));
    feed(&mut view, 24, vec![]);
    assert_eq!(body(&mut view), ["no services"]);
}

#[test]
fn keys_sort_and_reverse() {
    let mut view = view(Form::Plain);
    feed(
        &mut view,
        0,
        web(&[(11, 1, 5, 0), (12, 3, 9, 0), (13, 2, 1, 0)]),
    );
    feed(
        &mut view,
        2,
        web(&[(11, 1, 5, 9), (12, 3, 9, 1), (13, 2, 1, 5)]),
    );
    for (keys, order) in [
        ("", [11, 12, 13]),
        ("r", [13, 12, 11]),
        ("w", [12, 13, 11]),
        ("wr", [11, 13, 12]),
        ("a", [12, 11, 13]),
        ("c", [11, 13, 12]),
        ("n", [11, 12, 13]),
    ] {
        press(&mut view, keys);
        assert_eq!(numbers(&mut view), order, "{keys}");
    }
}

#[test]
fn scrolling_ends_at_the_ends_and_keeps_the_service_in_sight() {
    let many: Vec<(u8, i32, u32, u64)> = (1..=100).map(|number| (number, 1, 0, 0)).collect();
    let mut view = view(Form::Plain);
    feed(&mut view, 0, web(&many));
    assert_eq!(numbers(&mut view)[0], 1);
    view.key(Key::PageDown);
    let lines = body(&mut view);
    assert!(lines[0].starts_with("TCP 192.0.2.10:80"));
    assert_eq!(lines.len(), 20);
    press(&mut view, "G");
    assert_eq!(numbers(&mut view).last(), Some(&100));
    let foot = screen(&mut view, SIZE).pop().unwrap();
    assert!(foot.ends_with("82-101/101"), "{foot}");
    press(&mut view, "jjj");
    assert_eq!(numbers(&mut view).last(), Some(&100));
    press(&mut view, "gk");
    assert_eq!(numbers(&mut view)[0], 1);
    // A table that has become short is scrolled back.
    press(&mut view, "G");
    feed(&mut view, 2, vec![]);
    feed(&mut view, 20, web(&many[..3]));
    assert_eq!(numbers(&mut view), [1, 2, 3]);
}

#[test]
fn help_and_pause_are_told_and_left() {
    let mut view = view(Form::Plain);
    feed(&mut view, 0, web(&[(11, 1, 5, 0)]));
    press(&mut view, "?");
    let help = screen(&mut view, SIZE).join("\n");
    assert!(
        help.contains("this help") && help.contains("✗               gone"),
        "{help}"
    );
    assert_eq!(view.key(Key::Escape), Action::Draw);
    press(&mut view, " ");
    assert!(view.is_paused());
    assert!(screen(&mut view, SIZE)[0].contains("paused"));
    for key in [Key::Char('q'), Key::Escape, Key::Char('\x03')] {
        assert_eq!(view.key(key), Action::Quit);
    }
    assert_eq!(view.key(Key::Char('\x1a')), Action::Suspend);
    assert_eq!(view.key(Key::Char('\x0c')), Action::Redraw);
    assert_eq!(view.key(Key::Char('x')), Action::Draw);
}

proptest! {
    #[test]
    fn no_screen_is_larger_than_asked(
        columns in 0..220u16, height in 0..60u16, keys in "[nwaicpbrm ?jkgG]{0,6}",
    ) {
        for form in [
            Form::Plain, Form::Stats, Form::Rate, Form::Thresholds, Form::Tunnels,
            Form::PersistentConnections,
        ] {
            for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
                let mut view = view(form);
                view.options.glyphs = glyphs;
                for seconds in 0..4 {
                    feed(&mut view, seconds, example::groups());
                }
                feed(&mut view, 4, web(&[(11, 1, 5, 0)]));
                press(&mut view, &keys);
                let lines = view.render(Size { width: columns, height });
                prop_assert!(lines.len() <= height.into());
                for line in lines {
                    prop_assert!(width(&line) <= columns.into(), "{}", line);
                    let mut text = String::new();
                    paint(&mut text, &line, Ink::Plain);
                    prop_assert!(glyphs == Glyphs::Unicode || text.is_ascii());
                }
            }
        }
    }
}
