//! Mails, and those that wait to be sent. Pure: what time it is, the caller says.

use std::collections::VecDeque;
use std::fmt::Write;
use std::time::Duration;

/// A time, since whenever the caller counts from.
pub type Moment = Duration;

/// How many mails wait, at most: when ten thousand servers go at once, the first ones tell enough.
const MOST: usize = 500;

/// How often a mail is tried.
const TRIES: u32 = 12;

/// From the first try to the second; from then on twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// The longest time from one try to the next.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// A mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub body: String,
    /// When that happened: seconds since 1970 began, UTC.
    pub time: u64,
}

/// From whom mails come and who gets them (`notification_email_from`, `notification_email`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The sender.
    pub from: String,
    /// Who gets them.
    pub to: Vec<String>,
}

impl Mail {
    /// The text that goes over the wire (RFC 5322), with lines that end with CR and LF and no line
    /// that begins with a dot of its own (RFC 5321, section 4.5.2).
    pub fn text(&self, envelope: &Envelope) -> String {
        let mut text = String::new();
        let to = envelope.to.join(", ");
        for (name, value) in [
            ("Date", date(self.time)),
            ("From", envelope.from.clone()),
            ("To", to),
            ("Subject", self.subject.clone()),
            ("Auto-Submitted", "auto-generated".to_owned()),
            ("MIME-Version", "1.0".to_owned()),
            ("Content-Type", "text/plain; charset=utf-8".to_owned()),
        ] {
            // Writing to a String does not fail, here and below.
            let _ = write!(text, "{name}: {}\r\n", one_line(&value));
        }
        text.push_str("\r\n");
        for line in self.body.lines() {
            let dot = if line.starts_with('.') { "." } else { "" };
            let _ = write!(text, "{dot}{}\r\n", one_line(line));
        }
        text
    }
}

/// The address itself, of one that may have a name before it: `Director <root@example.org>`.
pub fn address(text: &str) -> String {
    let inner = text
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    let address = inner.map_or(text, |(address, _)| address);
    one_line(address.trim())
}

/// What would begin another line, or end the conversation, is left out.
fn one_line(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}

/// A time as RFC 5322 (section 3.3) has it: `Wed, 25 Nov 2026 08:00:00 +0000`.
fn date(time: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (days, seconds) = (time / 86_400, time % 86_400);
    let (mut year, mut left) = (1970, days);
    loop {
        let length = 365 + u64::from(is_leap(year));
        if left < length {
            break;
        }
        left -= length;
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while left >= lengths[month] {
        left -= lengths[month];
        month += 1;
    }
    // It is less than seven.
    let day = DAYS[(days % 7) as usize];
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!(
        "{day}, {} {} {year} {hours:02}:{minutes:02}:{:02} +0000",
        left + 1,
        MONTHS[month],
        seconds % 60,
    )
}

fn is_leap(year: u64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

/// Mails that wait, the oldest first.
#[derive(Debug, Default)]
pub struct Queue {
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    mail: Mail,
    tries: u32,
    next: Moment,
}

impl Queue {
    /// Adds a mail, to be sent at once. When too many wait, it is lost: gives it back.
    pub fn add(&mut self, mail: Mail, now: Moment) -> Option<Mail> {
        if self.waiting.len() >= MOST {
            return Some(mail);
        }
        // While the server does not answer, new mails need not try at once.
        let next = self
            .waiting
            .front()
            .map_or(now, |first| first.next.max(now));
        self.waiting.push_back(Waiting {
            mail,
            tries: 0,
            next,
        });
        None
    }

    /// When the next mail is to be sent.
    pub fn next(&self) -> Option<Moment> {
        self.waiting.front().map(|first| first.next)
    }

    /// The mail that is to be sent now.
    pub fn due(&self, now: Moment) -> Option<&Mail> {
        let first = self.waiting.front().filter(|first| first.next <= now);
        first.map(|first| &first.mail)
    }

    /// The mail that was due has been sent, or never will be: gives it back.
    pub fn done(&mut self) -> Option<Mail> {
        self.waiting.pop_front().map(|first| first.mail)
    }

    /// The mail that was due could not be sent. It is tried again later, unless that was the last
    /// try: then it is lost, and given back.
    pub fn failed(&mut self, now: Moment) -> Option<Mail> {
        let first = self.waiting.front_mut()?;
        first.tries += 1;
        if first.tries >= TRIES {
            return self.done();
        }
        let pause = FIRST_PAUSE * 2u32.saturating_pow(first.tries - 1);
        first.next = now + pause.min(LONGEST_PAUSE);
        None
    }

    /// Has all be tried now: there will be no later.
    pub fn hurry(&mut self, now: Moment) {
        for one in &mut self.waiting {
            one.next = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(subject: &str) -> Mail {
        Mail {
            subject: subject.to_owned(),
            body: String::new(),
            time: 0,
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (time, text) in [
            (0, "Thu, 1 Jan 1970 00:00:00 +0000"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 +0000"),
            (1_795_593_599, "Wed, 25 Nov 2026 07:59:59 +0000"),
            (4_107_542_400, "Mon, 1 Mar 2100 00:00:00 +0000"),
        ] {
            assert_eq!(date(time), text);
        }
    }

    #[test]
    fn nothing_in_a_mail_ends_it_or_adds_to_its_head() {
        let mail = Mail {
            subject: "a\r\nBcc: b@c".to_owned(),
            body: "one\n.\n..two\r\n".to_owned(),
            time: 0,
        };
        let envelope = Envelope {
            from: "a@b\r\n".to_owned(),
            to: vec!["c@d".to_owned(), "e@f".to_owned()],
        };
        let text = mail.text(&envelope);
        assert!(text.contains("\r\nSubject: aBcc: b@c\r\n"), "{text}");
        assert!(text.contains("\r\nTo: c@d, e@f\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\none\r\n..\r\n...two\r\n"), "{text}");
        assert_eq!(address("Director <a@b>"), "a@b");
        assert_eq!(address(" a@b\r\n"), "a@b");
    }

    #[test]
    fn a_mail_is_tried_later_and_later_and_then_lost() {
        let mut queue = Queue::default();
        assert_eq!(queue.add(mail("x"), Moment::ZERO), None);
        let mut times = Vec::new();
        let mut now = Moment::ZERO;
        let lost = loop {
            now = queue.next().unwrap_or(now);
            assert!(queue.due(now).is_some());
            times.push(now.as_secs());
            if let Some(lost) = queue.failed(now) {
                break lost;
            }
            assert_eq!(queue.due(now), None);
        };
        assert_eq!(lost, mail("x"));
        assert_eq!(&times[..5], [0, 5, 15, 35, 75]);
        assert_eq!((times.len(), queue.next()), (12, None));
    }

    #[test]
    fn too_many_mails_do_not_wait() {
        let mut queue = Queue::default();
        for number in 0..MOST {
            assert_eq!(queue.add(mail(&number.to_string()), Moment::ZERO), None);
        }
        assert_eq!(queue.add(mail("x"), Moment::ZERO), Some(mail("x")));
        queue.failed(Moment::ZERO);
        assert_eq!(queue.due(Moment::ZERO), None);
        queue.hurry(Moment::ZERO);
        assert_eq!(queue.done(), Some(mail("0")));
        assert_eq!(queue.due(Moment::ZERO), Some(&mail("1")));
    }
}
