//! From a checker of a keepalived.conf to checks.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::super::questions::TIMEOUT;
use super::Accounts;
use crate::addr::{Endpoint, Family};
use crate::check::http::{Digest, Http, Page, Pattern, Statuses, Version};
use crate::check::tls::{Identity, Tls, Trust};
use crate::check::udp::{self, Datagram, Reply};
use crate::check::{Check, Manner, Misc, Origin, Probe, Question, Tracked, Tries, User, dns};
use crate::conf::lex;
use crate::conf::model::{self, Checker, CheckerKind, Common, Config, Connection};
use crate::conf::source::Place;
use crate::conf::value::Command;
use crate::host::files;

/// Who runs scripts, if there is such an account and no other is named.
const SCRIPT_USER: &str = "keepalived_script";

/// The payload of an echo, as of ping(8).
const PING_SIZE: usize = 56;

/// Options of PCRE that regular expressions have here too, and their letters.
const REGEX_OPTIONS: [(&str, char); 5] = [
    ("caseless", 'i'),
    ("multiline", 'm'),
    ("dotall", 's'),
    ("extended", 'x'),
    ("ungreedy", 'U'),
];

/// What cannot be checked, and where it stands.
#[derive(Debug)]
pub struct Wrong {
    /// Where.
    pub place: Place,
    /// What, in a sentence.
    pub text: String,
}

/// Says at which keyword of a block something is wrong.
fn wrong(common: &Common, keyword: &str, text: impl Into<String>) -> Wrong {
    Wrong {
        place: common.place(keyword),
        text: text.into(),
    }
}

/// Makes the checks of a server.
pub struct Converter<'a> {
    /// The effective configuration.
    pub config: &'a Config,
    /// The server.
    pub server: Endpoint,
    /// What is shown to one that is asked over TLS.
    pub identity: Option<&'a Identity>,
    /// Who knows accounts.
    pub accounts: Accounts<'a>,
}

impl Converter<'_> {
    /// The checks that one checker stands for: of mail servers there may be several.
    ///
    /// # Errors
    /// A check would be another than it should.
    pub fn checks(&self, checker: &Checker) -> Result<Vec<Check>, Wrong> {
        let common = &checker.common;
        let mut timeout = checker.connection.timeout;
        let at = |question| self.network(checker, &checker.connection, question);
        let probes = match &checker.kind {
            CheckerKind::Tcp => vec![at(Question::Tcp)?],
            CheckerKind::Ping => vec![at(Question::Ping { size: PING_SIZE })?],
            CheckerKind::Http(http) => vec![at(Question::Http(pages(http, None)?))?],
            CheckerKind::Ssl(http) => {
                let tls = Tls::new(&Trust::Any, self.identity, http.sni, None);
                let tls = tls.map_err(|error| wrong(common, "", error.to_string()))?;
                vec![at(Question::Http(pages(http, Some(tls))?))?]
            }
            CheckerKind::Smtp(smtp) => {
                let own = [checker.connection.clone()];
                let hosts = match smtp.hosts.is_empty() {
                    true => &own[..],
                    false => &smtp.hosts,
                };
                let helo = || smtp.helo_name.clone();
                let probe = |host| self.network(checker, host, Question::Smtp { helo: helo() });
                hosts.iter().map(probe).collect::<Result<_, _>>()?
            }
            CheckerKind::Dns(dns) => {
                let query = dns::Query::new(dns.record.name(), &dns.name);
                let refused = || wrong(common, "name", format!("not a name: {}", dns.name));
                vec![at(Question::Dns(query.ok_or_else(refused)?))?]
            }
            CheckerKind::Udp(udp) => vec![at(Question::Udp(datagram(udp, common)?))?],
            CheckerKind::Misc(misc) => {
                let own = misc
                    .timeout
                    .map(|seconds| Duration::from_secs(seconds.into()));
                timeout = own.or(checker.delay_loop);
                vec![self.misc(misc, common)?]
            }
            CheckerKind::File(file) => vec![self.file(file, common)?],
        };
        let tries = Tries {
            retry: checker.retry.unwrap_or(0),
            delay: checker.delay_before_retry.unwrap_or_default(),
        };
        let own = |probe| Check {
            probe,
            timeout: timeout.unwrap_or(TIMEOUT),
            tries,
        };
        Ok(probes.into_iter().map(own).collect())
    }

    fn network(
        &self,
        checker: &Checker,
        connection: &Connection,
        question: Question,
    ) -> Result<Probe, Wrong> {
        let common = match connection.common.has("connect_port") {
            true => &connection.common,
            false => &checker.common,
        };
        let address: IpAddr = connection.address.unwrap_or(self.server.address);
        let port = match question {
            Question::Ping { .. } => 0,
            _ => connection.port.unwrap_or(self.server.port),
        };
        if port == 0 && !matches!(question, Question::Ping { .. }) {
            let text = "the server has no port: connect_port says where to ask";
            return Err(wrong(common, "connect_port", text));
        }
        let to = Endpoint { address, port };
        let from = connection.bind_address;
        if let Some(from) = from.filter(|from| Family::of(from) != to.family()) {
            let text = format!("not of one family: {from}, {address}");
            return Err(wrong(common, "bindto", text));
        }
        let interface = connection.bind_interface.as_ref();
        let from = Origin {
            address: from,
            port: connection.bind_port,
            interface: interface.map(|name| name.as_str().to_owned()),
            mark: Some(connection.mark).filter(|mark| *mark != 0),
        };
        let manner = Arc::new(Manner { from, question });
        Ok(Probe::Network { to, manner })
    }

    fn misc(&self, misc: &model::Misc, common: &Common) -> Result<Probe, Wrong> {
        let nothing = || wrong(common, "misc_path", "no program");
        let command = misc.command.as_ref().ok_or_else(nothing)?;
        let command = match &misc.user {
            Some(named) => Command {
                user: named.first().cloned(),
                group: named.get(1).cloned(),
                ..command.clone()
            },
            None => command.clone(),
        };
        let (words, user) = program(self.config, &command, self.accounts, common, "misc_path")?;
        Ok(Probe::Misc(Box::new(Misc {
            command: words,
            dynamic: misc.dynamic,
            user,
            about: Some(self.server),
        })))
    }

    fn file(&self, file: &model::FileCheck, common: &Common) -> Result<Probe, Wrong> {
        let name = file.track_file.as_deref().unwrap_or("");
        let mut all = self.config.track_files.iter();
        let tracked = all.find(|tracked| tracked.name == name);
        let found = tracked.and_then(|tracked| Some((tracked, tracked.file.as_ref()?)));
        let unknown = || wrong(common, "track_file", format!("no such track_file: {name}"));
        let (tracked, path) = found.ok_or_else(unknown)?;
        let weight = file.weight.unwrap_or(tracked.weight);
        let factor = match (weight.weight, weight.reverse) {
            (0, false) => None,
            (0, true) => {
                let text = "a file that is well when its number is not 0: weight 0 reverse";
                return Err(wrong(common, "weight", text));
            }
            (weight, false) => Some(weight),
            (weight, true) => Some(weight.saturating_neg()),
        };
        let path = path.into();
        Ok(Probe::File(Tracked { path, factor }))
    }
}

/// The words of a command, and who runs it.
///
/// # Errors
/// It has no words, there is no such account, or with `enable_script_security` others could change
/// what root would run.
pub fn program(
    config: &Config,
    command: &Command,
    accounts: Accounts<'_>,
    common: &Common,
    keyword: &str,
) -> Result<(Vec<OsString>, Option<User>), Wrong> {
    let words = lex::arguments(&command.line);
    let words = words.map_err(|quote| {
        let text = format!("nothing ends the quote: {quote}");
        wrong(common, keyword, text)
    })?;
    if words.is_empty() {
        return Err(wrong(common, keyword, "no program"));
    }
    let own = command.user.clone().map(|user| {
        let words = [Some(user), command.group.clone()];
        words.into_iter().flatten().collect()
    });
    let named: Option<Vec<String>> = own.or_else(|| config.global.script_user.clone());
    let user = match named.as_deref() {
        Some([user, rest @ ..]) => {
            let ids = accounts(user, rest.first().map(String::as_str));
            let place = match common.has("user") {
                true => "user",
                false => keyword,
            };
            let unknown = || wrong(common, place, format!("no such user or group: {user}"));
            Some(ids.ok_or_else(unknown)?)
        }
        _ => accounts(SCRIPT_USER, None),
    };
    let runs_as_root = user.is_none_or(|(uid, _)| uid == 0);
    if config.global.script_security && runs_as_root {
        if let Some(path) = files::changed_by_others(Path::new(&words[0])) {
            let path = path.display();
            let text = format!("root would run what others can change: {path}");
            return Err(wrong(common, keyword, text));
        }
    }
    let words = words.into_iter().map(OsString::from).collect();
    Ok((words, user.map(|(uid, gid)| User { uid, gid })))
}

fn pages(http: &model::Http, tls: Option<Tls>) -> Result<Http, Wrong> {
    let version = Version::parse(http.version.name()).unwrap_or_default();
    // With room for no more: a collected list would have room for four.
    let mut pages = Vec::with_capacity(http.urls.len());
    for url in &http.urls {
        pages.push(page(url)?);
    }
    Ok(Http {
        tls,
        version,
        pages,
    })
}

fn page(url: &model::Url) -> Result<Page, Wrong> {
    let common = &url.common;
    let path = url.path.as_deref().unwrap_or("/");
    let host = url.virtualhost.as_deref();
    let refused = || {
        let text = format!("not a path and a name: {path}, {}", host.unwrap_or(""));
        wrong(common, "path", text)
    };
    let mut page = Page::new(path, host).ok_or_else(refused)?;
    if let Some(words) = &url.status {
        let text = words.join(" ");
        let refused = || wrong(common, "status_code", format!("not statuses: {text}"));
        page.expected.statuses = Statuses::parse(&text).ok_or_else(refused)?;
    }
    if let Some(text) = &url.digest {
        let refused = || wrong(common, "digest", format!("not 32 digits: {text}"));
        page.expected.digest = Some(Digest::parse(text).ok_or_else(refused)?);
    }
    if let Some(text) = &url.regex {
        let options = url.regex_options.iter().flatten().map(|option| {
            let known = REGEX_OPTIONS.iter().find(|(name, _)| name == option);
            known.map(|(_, letter)| *letter).ok_or_else(|| {
                let all = REGEX_OPTIONS.map(|(name, _)| name).join(", ");
                wrong(
                    common,
                    "regex_options",
                    format!("not one of {all}: {option}"),
                )
            })
        });
        let options: String = options.collect::<Result<_, _>>()?;
        let with_options = match options.is_empty() {
            true => text.clone(),
            false => format!("(?{options}){text}"),
        };
        let refused = |error| wrong(common, "regex", format!("{error}: {text}"));
        let mut pattern = Pattern::new(&with_options).map_err(refused)?;
        let offset = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        pattern.absent = url.regex_no_match;
        pattern.offsets =
            offset(url.regex_min_offset)..=url.regex_max_offset.map_or(usize::MAX, offset);
        page.expected.pattern = Some(pattern);
    }
    Ok(page)
}

fn datagram(udp: &model::Udp, common: &Common) -> Result<Datagram, Wrong> {
    let refused = |keyword: &'static str, text: &str| {
        wrong(common, keyword, format!("not hexadecimal: {text}"))
    };
    let payload = udp.payload.as_ref().map(|words| {
        let text = words.join(" ");
        let bytes = udp::Pattern::parse(&text).and_then(udp::Pattern::bytes);
        bytes.ok_or_else(|| refused("payload", &text))
    });
    let reply = udp.require_reply.as_ref().map(|words| {
        let text = words.join(" ");
        let pattern = udp::Pattern::parse(&text).ok_or_else(|| refused("require_reply", &text))?;
        let length = udp.min_reply_length.into()..=udp.max_reply_length.into();
        Ok(Reply { pattern, length })
    });
    Ok(Datagram {
        payload: payload.transpose()?,
        reply: reply.transpose()?,
    })
}
