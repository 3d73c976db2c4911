//! From options to the checks that they ask for.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::ArgMatches;

use crate::addr::{Endpoint, Family, Protocol, Resolve};
use crate::check::http::{Digest, Http, Page, Pattern, Statuses, Version};
use crate::check::tls::{Identity, Tls, Trust};
use crate::check::udp::{self, Datagram, Reply};
use crate::check::{Check, Manner, Misc, Origin, Probe, Question, Tracked, Tries, User, dns};
use crate::host::names;

use super::options::Kind;

/// How long one try takes at most where nobody says otherwise: keepalived's `connect_timeout`.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// How long keepalived waits before it tries again (TCP_CHECK).
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Options as they were given; not each command has each option.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a>(pub &'a ArgMatches);

impl Given<'_> {
    /// The value of an option.
    pub fn get<T: Clone + Send + Sync + 'static>(&self, name: &str) -> Option<T> {
        self.0.try_get_one(name).ok().flatten().cloned()
    }

    /// All values of an option.
    pub fn all<T: Clone + Send + Sync + 'static>(&self, name: &str) -> Vec<T> {
        let values = self.placed(name).into_iter();
        values.map(|(_, value)| value).collect()
    }

    /// Whether a flag is set.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).unwrap_or(false)
    }

    /// The values of an option with the places where they stand.
    fn placed<T: Clone + Send + Sync + 'static>(&self, name: &str) -> Vec<(usize, T)> {
        let values = self.0.try_get_many::<T>(name).ok().flatten();
        let places = values.is_some().then(|| self.0.indices_of(name)).flatten();
        let (places, values) = (places.into_iter().flatten(), values.into_iter().flatten());
        places.zip(values.cloned()).collect()
    }

    /// How often a check is tried.
    fn tries(&self) -> Tries {
        Tries {
            retry: self.get("retry").unwrap_or(0),
            delay: self.get("retry-delay").unwrap_or(RETRY_DELAY),
        }
    }

    /// How long one try may take.
    pub fn timeout(&self) -> Duration {
        self.get("timeout").unwrap_or(TIMEOUT)
    }

    /// The check by a probe.
    pub fn made(&self, probe: Probe) -> Check {
        Check {
            probe,
            timeout: self.timeout(),
            tries: self.tries(),
        }
    }

    /// From where is asked.
    pub fn origin(&self) -> Origin {
        Origin {
            address: self.get("bind"),
            port: self.get("bind-port"),
            interface: self.get("bind-if"),
            mark: self.get("fwmark"),
        }
    }

    /// The check of a target as it stands on the command line.
    ///
    /// # Errors
    /// What is wrong, in a sentence.
    pub fn check(&self, kind: Kind, target: &str, names: &dyn Resolve) -> Result<Check, String> {
        let probe = match kind {
            Kind::File => self.tracked(target.into()),
            _ => {
                let target = Target::parse(kind, target, names)?;
                self.network(kind, target.endpoint, target.path, target.name)?
            }
        };
        Ok(self.made(probe))
    }

    /// The check of one server.
    ///
    /// # Errors
    /// What is wrong, in a sentence.
    pub fn network(
        &self,
        kind: Kind,
        server: Endpoint,
        path: Option<&str>,
        name: Option<&str>,
    ) -> Result<Probe, String> {
        let question = match kind {
            Kind::Tcp => Question::Tcp,
            Kind::Http | Kind::Https => Question::Http(self.http(kind, path, name)?),
            Kind::Smtp => Question::Smtp { helo: self.helo()? },
            Kind::Dns => Question::Dns(self.query()?),
            Kind::Udp => Question::Udp(self.datagram()?),
            Kind::Ping => Question::Ping {
                size: usize::from(self.get::<u16>("size").unwrap_or(56)),
            },
            Kind::Misc | Kind::File => return Err(format!("not a server: {server}")),
        };
        let to = Endpoint {
            address: self.get("connect-ip").unwrap_or(server.address),
            port: self.get("connect-port").unwrap_or(server.port),
        };
        let from = self.origin();
        if from
            .address
            .is_some_and(|from| Family::of(&from) != to.family())
        {
            return Err(format!("not of one family: --bind, {}", to.address));
        }
        let manner = Arc::new(Manner { from, question });
        Ok(Probe::Network { to, manner })
    }

    /// Pages: those of `--path`, or the one of the target, or the first of all.
    pub fn http(&self, kind: Kind, path: Option<&str>, name: Option<&str>) -> Result<Http, String> {
        let version: Option<String> = self.get("http-version");
        let version = match version {
            Some(text) => Version::parse(&text)
                .ok_or_else(|| format!("--http-version: not 1.0, 1.0C or 1.1: {text}"))?,
            None => Version::default(),
        };
        let mut paths = self.placed::<String>("path");
        if let Some(path) = path {
            paths.insert(0, (0, path.to_owned()));
        }
        if paths.is_empty() {
            paths.push((0, "/".to_owned()));
        }
        // Where each page's options end: those before the first are for all pages.
        let ends = paths.iter().skip(1).map(|(place, _)| *place);
        let ends: Vec<usize> = ends.chain([usize::MAX]).collect();
        let first = paths[0].0;
        let pages = paths.iter().zip(ends);
        let pages = pages.map(|((start, path), end)| {
            let of = PageOptions {
                given: self,
                before: first,
                start: *start,
                end,
            };
            of.page(path, name)
        });
        let pages = pages.collect::<Result<Vec<_>, _>>()?;
        let tls = match kind {
            Kind::Https => Some(self.tls()?),
            _ => None,
        };
        Ok(Http {
            tls,
            version,
            pages,
        })
    }

    fn tls(&self) -> Result<Tls, String> {
        let trust = match self.get("ca") {
            Some(path) => Trust::File(path),
            None if self.has("verify") => Trust::System,
            None => Trust::Any,
        };
        let name: Option<String> = self.get("sni");
        let identity = self.get::<PathBuf>("certificate").map(|certificate| {
            let key = self.get::<PathBuf>("key");
            Identity::read(&certificate, key.as_ref().unwrap_or(&certificate))
        });
        let tls = identity.transpose().and_then(|identity| {
            let sni = !self.has("no-sni");
            Tls::new(&trust, identity.as_ref(), sni, name.as_deref())
        });
        tls.map_err(|error| error.to_string())
    }

    fn helo(&self) -> Result<String, String> {
        match self.get::<String>("helo") {
            Some(name) if name.is_empty() || name.contains(|c: char| !c.is_ascii_graphic()) => {
                Err(format!("--helo: not a name: {name}"))
            }
            Some(name) => Ok(name),
            None => Ok(names::this_host().unwrap_or_else(|| "localhost".to_owned())),
        }
    }

    fn query(&self) -> Result<dns::Query, String> {
        let kind: Option<String> = self.get("type");
        let kind = kind.map_or("SOA".to_owned(), |kind| kind.to_ascii_uppercase());
        if !dns::TYPES.contains(&kind.as_str()) {
            return Err(format!(
                "--type: not one of {}: {kind}",
                dns::TYPES.join(", ")
            ));
        }
        let name: String = self.get("name").unwrap_or(".".to_owned());
        dns::Query::new(&kind, &name).ok_or_else(|| format!("--name: not a name: {name}"))
    }

    fn datagram(&self) -> Result<Datagram, String> {
        let payload: Option<String> = self.get("payload");
        let payload = payload.map(|text| {
            udp::Pattern::parse(&text)
                .and_then(udp::Pattern::bytes)
                .ok_or_else(|| format!("--payload: not hexadecimal: {text}"))
        });
        let length = |name, default| self.get::<u32>(name).map_or(default, |n| n as usize);
        let length = length("min-reply-length", 0)..=length("max-reply-length", 255);
        let reply: Option<String> = self.get("require-reply");
        let reply = reply.map(|text| {
            udp::Pattern::parse(&text)
                .map(|pattern| Reply { pattern, length })
                .ok_or_else(|| format!("--require-reply: not hexadecimal: {text}"))
        });
        Ok(Datagram {
            payload: payload.transpose()?,
            reply: reply.transpose()?,
        })
    }

    /// The check by a program.
    ///
    /// # Errors
    /// There is no such user.
    pub fn misc(&self, command: Vec<OsString>, about: Option<Endpoint>) -> Result<Probe, String> {
        let user = self.get::<String>("user").map(|text| {
            let (user, group) = match text.split_once(':') {
                Some((user, group)) => (user, Some(group)),
                None => (text.as_str(), None),
            };
            let ids = names::user(user, group);
            let ids = ids.ok_or_else(|| format!("--user: no such user or group: {text}"))?;
            let (uid, gid) = ids;
            Ok::<_, String>(User { uid, gid })
        });
        Ok(Probe::Misc(Box::new(Misc {
            command,
            dynamic: self.has("dynamic"),
            user: user.transpose()?,
            about,
        })))
    }

    /// The check by a file.
    pub fn tracked(&self, path: PathBuf) -> Probe {
        let factor = self.get("factor");
        Probe::File(Tracked { path, factor })
    }
}

/// The options of one page: those between its `--path` and the next, else those before the first.
struct PageOptions<'a> {
    given: &'a Given<'a>,
    before: usize,
    start: usize,
    end: usize,
}

impl PageOptions<'_> {
    fn get<T: Clone + Send + Sync + 'static>(&self, name: &str) -> Option<T> {
        let mut found = None;
        for (place, value) in self.given.placed(name) {
            if place < self.before || (self.start..self.end).contains(&place) {
                found = Some(value);
            }
        }
        found
    }

    fn page(&self, path: &str, name: Option<&str>) -> Result<Page, String> {
        let host: Option<String> = self.get("virtualhost");
        let mut page = Page::new(path, host.as_deref().or(name)).ok_or_else(|| match &host {
            Some(host) => format!("not a path and a name: {path}, {host}"),
            None => format!("not a path: {path}"),
        })?;
        if let Some(text) = self.get::<String>("status") {
            let statuses = Statuses::parse(&text);
            page.expected.statuses =
                statuses.ok_or_else(|| format!("--status: not statuses: {text}"))?;
        }
        if let Some(text) = self.get::<String>("digest") {
            let digest = Digest::parse(&text);
            let digest = digest.ok_or_else(|| format!("--digest: not 32 digits: {text}"))?;
            page.expected.digest = Some(digest);
        }
        let (present, absent): (Option<String>, Option<String>) =
            (self.get("regex"), self.get("regex-no-match"));
        if present.is_some() && absent.is_some() {
            return Err("only one of them for a page: --regex, --regex-no-match".to_owned());
        }
        if let Some(text) = present.as_ref().or(absent.as_ref()) {
            let mut pattern = Pattern::new(text).map_err(|error| format!("{error}: {text}"))?;
            let offset = |name, default| self.get::<u32>(name).map_or(default, |n| n as usize);
            pattern.absent = absent.is_some();
            pattern.offsets =
                offset("regex-min-offset", 0)..=offset("regex-max-offset", usize::MAX);
            page.expected.pattern = Some(pattern);
        }
        Ok(page)
    }
}

/// A server as it stands on a command line.
#[derive(Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// Where it is.
    pub endpoint: Endpoint,
    /// The page that is named behind it.
    pub path: Option<&'a str>,
    /// What it is called there, if it is no address.
    pub name: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// Reads `HOST[:PORT]` and, of those who have pages, `[http://]HOST[:PORT][/PATH]`. A host is a
    /// name or an address, that of IPv6 in brackets if there is a port.
    ///
    /// # Errors
    /// What is wrong, in a sentence.
    pub fn parse(kind: Kind, text: &'a str, names: &dyn Resolve) -> Result<Self, String> {
        let (place, path) = match kind {
            Kind::Http | Kind::Https => {
                let scheme = format!("{}://", kind.name());
                let text = text.strip_prefix(&scheme).unwrap_or(text);
                match text.find('/') {
                    Some(place) => (&text[..place], Some(&text[place..])),
                    None => (text, None),
                }
            }
            _ => (text, None),
        };
        let (host, port) = host_and_port(place);
        let port = match port {
            Some(port) => {
                let number = port.parse().ok().filter(|&number| number != 0);
                number
                    .or_else(|| names.port(port, Protocol::TCP))
                    .ok_or_else(|| format!("not a port: {text}"))?
            }
            None => kind.port().ok_or_else(|| format!("no port: {text}"))?,
        };
        let (address, name) = match host.parse::<IpAddr>() {
            Ok(address) => (address, None),
            Err(_) => {
                let known = |family| names.address(host, family);
                let address = known(Family::V4).or_else(|| known(Family::V6));
                let address = address.filter(|_| !host.is_empty());
                let address = address.ok_or_else(|| format!("unknown host: {host}"))?;
                (address, Some(host))
            }
        };
        Ok(Target {
            endpoint: Endpoint { address, port },
            path,
            name,
        })
    }
}

/// A host and its port, if there is one: `[::1]:80`, `::1`, `10.0.0.1:80`.
pub fn host_and_port(text: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        return match rest.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if rest.is_empty() => (host, None),
            None => (text, None),
        };
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => (host, Some(port)),
        _ => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::super::arguments::{Refused, parse};
    use super::*;

    struct Localhost;

    impl Resolve for Localhost {
        fn address(&self, name: &str, family: Family) -> Option<IpAddr> {
            (name == "localhost" && family == Family::V6).then_some("::1".parse().ok()?)
        }
        fn port(&self, name: &str, _: Protocol) -> Option<u16> {
            (name == "http").then_some(80)
        }
    }

    fn check(line: &str) -> Result<Check, String> {
        let words = ["lvs-check"].into_iter().chain(line.split(' '));
        let found = match parse(words.map(Into::into)) {
            Ok(found) => found,
            Err(Refused::Wrong(text) | Refused::Help(text)) => return Err(text),
        };
        let (name, found) = found.subcommand().unwrap();
        let target = found.get_one::<String>("TARGET").unwrap();
        Given(found).check(Kind::named(name).unwrap(), target, &Localhost)
    }

    #[test]
    fn a_target_is_a_host_with_a_port_and_a_page() {
        let parse = |kind, text| {
            Target::parse(kind, text, &Localhost).map(|target| {
                let Target {
                    endpoint,
                    path,
                    name,
                } = target;
                format!("{endpoint} {path:?} {name:?}")
            })
        };
        for (kind, text, expected) in [
            (Kind::Tcp, "10.0.0.1:80", "10.0.0.1:80 None None"),
            (
                Kind::Tcp,
                "[2001:db8::1]:http",
                "[2001:db8::1]:80 None None",
            ),
            (Kind::Http, "2001:db8::1", "[2001:db8::1]:80 None None"),
            (
                Kind::Http,
                "[2001:db8::1]/",
                "[2001:db8::1]:80 Some(\"/\") None",
            ),
            (
                Kind::Http,
                "http://localhost:8080/a?b",
                "[::1]:8080 Some(\"/a?b\") Some(\"localhost\")",
            ),
            (
                Kind::Https,
                "localhost",
                "[::1]:443 None Some(\"localhost\")",
            ),
            (Kind::Ping, "10.0.0.1", "10.0.0.1:0 None None"),
        ] {
            assert_eq!(parse(kind, text).as_deref(), Ok(expected), "{text}");
        }
        for (kind, text, why) in [
            (Kind::Tcp, "10.0.0.1", "no port: 10.0.0.1"),
            (Kind::Tcp, "10.0.0.1:0", "not a port: 10.0.0.1:0"),
            (Kind::Tcp, "10.0.0.1:65536", "not a port: 10.0.0.1:65536"),
            (Kind::Tcp, ":80", "unknown host: "),
            (Kind::Tcp, "[::1]80:90", "no port: [::1]80:90"),
            (Kind::Http, "nobody", "unknown host: nobody"),
            (
                Kind::Http,
                "https://localhost",
                "not a port: https://localhost",
            ),
        ] {
            assert_eq!(parse(kind, text), Err(why.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_stands_behind_a_page_is_of_that_page() {
        let statuses = |line: &str| {
            let check = check(line).unwrap();
            let Probe::Network { manner, .. } = check.probe else {
                panic!("{line}");
            };
            let Question::Http(http) = &manner.question else {
                panic!("{line}");
            };
            let pages = http.pages.iter();
            let statuses = pages.map(|page| page.expected.statuses.clone());
            statuses.collect::<Vec<_>>()
        };
        let list = |text| Statuses::parse(text).unwrap();
        let none = Statuses::default;
        assert_eq!(statuses("http ::1"), [none()]);
        assert_eq!(statuses("http ::1 --status 404"), [list("404")]);
        assert_eq!(
            statuses("http ::1 --path /a --status 404 --path /b"),
            [list("404"), none()]
        );
        assert_eq!(
            statuses("http --status 500 --path /a --status 404 --path /b ::1"),
            [list("404"), list("500")]
        );
        assert_eq!(
            statuses("http [::1]/c --status 200 --status 404"),
            [list("404")]
        );
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (line, why) in [
            ("http ::1 --status 1", "--status: not statuses: 1"),
            ("http ::1 --digest 1", "--digest: not 32 digits: 1"),
            ("http ::1 --path a", "not a path: a"),
            (
                "http ::1 --http-version 2",
                "--http-version: not 1.0, 1.0C or 1.1: 2",
            ),
            (
                "dns ::1 --type PTR",
                "--type: not one of A, NS, CNAME, SOA, MX, TXT, AAAA, RRSIG, DNSKEY: PTR",
            ),
            ("udp [::1]:1 --payload xx", "--payload: not hexadecimal: xx"),
            (
                "tcp [::1]:1 --bind 10.0.0.1",
                "not of one family: --bind, ::1",
            ),
            ("smtp ::1 --helo ", "--helo: not a name: "),
        ] {
            assert_eq!(check(line).unwrap_err(), why, "{line}");
        }
    }
}
