//! Checkers out of their blocks.

use super::{Builder, blocks};
use crate::conf::keywords::{Block, Opens};
use crate::conf::model::{Checker, CheckerKind, Connection, Settings, Url};
use crate::conf::parse::Statement;
use crate::conf::problem::Problems;
use crate::conf::value::Value;

impl Builder<'_> {
    /// Whether a BFD_CHECK names a session that is defined before.
    pub(super) fn bfd_check(&mut self, statement: &Statement) -> bool {
        let name = statement.children.iter().find(|c| c.keyword.name == "name");
        let known = name.is_some_and(|name| match &name.value {
            Value::Text(name) => self.known.sessions.contains(name),
            _ => false,
        });
        if !known {
            let text = "BFD_CHECK names no bfd_instance";
            self.problems
                .error(statement.place, text, "it has no effect");
        }
        known
    }

    pub(super) fn checker(
        &mut self,
        mut checker: Checker,
        statement: Statement,
    ) -> Option<Checker> {
        let place = statement.place;
        let mut urls = Vec::new();
        if matches!(checker.kind, CheckerKind::Http(_) | CheckerKind::Ssl(_)) {
            urls.reserve_exact(blocks(&statement));
        }
        let mut hosts = Vec::new();
        let statement = without_rhythm_in_hosts(statement);
        self.settings(&mut checker, statement, |builder, child| {
            match child.keyword.opens {
                Opens::Block(Block::Url) => {
                    let mut url = Url::default();
                    builder.settings(&mut url, child, |_, _| {});
                    urls.push(url);
                }
                _ => {
                    let mut host = Connection::default();
                    builder.settings(&mut host, child, |_, _| {});
                    hosts.push(host);
                }
            }
        });
        let mut refuse = |text: &str, hint: &str| {
            self.problems.error(place, text.to_owned(), hint);
            None
        };
        match &mut checker.kind {
            CheckerKind::Http(http) | CheckerKind::Ssl(http) => {
                urls.retain(|url: &Url| {
                    let has_path = url.path.is_some();
                    if !has_path {
                        refuse_url(self.problems, url);
                    }
                    has_path
                });
                if urls.is_empty() {
                    let text = "a check of pages without a `url`";
                    self.problems.error(
                        place,
                        text,
                        "it has no effect; keepalived 2.2.7 crashes here",
                    );
                    return None;
                }
                http.urls = urls;
            }
            CheckerKind::Smtp(smtp) => smtp.hosts = hosts,
            CheckerKind::Misc(misc) if misc.command.is_none() => {
                return refuse("`MISC_CHECK` without `misc_path`", "it has no effect");
            }
            CheckerKind::File(file) => match &file.track_file {
                None => return refuse("`FILE_CHECK` without `track_file`", "it has no effect"),
                Some(name) if !self.known.files.contains(name) => {
                    let text = format!("there is no track_file `{name}`");
                    return refuse(&text, "it has no effect: define it before its first use");
                }
                Some(_) => {}
            },
            CheckerKind::Udp(udp) if udp.min_reply_length > udp.max_reply_length => {
                let place = checker.common.place("min_reply_length");
                let text = "`min_reply_length` is above `max_reply_length`";
                self.problems
                    .warning(place, text, "each check fails: lower it");
            }
            CheckerKind::Dns(dns) => {
                let inner = dns.name.strip_suffix('.').unwrap_or(&dns.name);
                if !inner.is_empty() && inner.split('.').any(str::is_empty) {
                    let place = checker.common.place("name");
                    let text = format!("`{}` has an empty label", dns.name);
                    self.problems
                        .error(place, text, "the root is asked for instead");
                    ".".clone_into(&mut dns.name);
                }
            }
            _ => {}
        }
        self.connection(&mut checker);
        Some(checker)
    }

    /// What connects to the real server itself comes from an address of its family.
    pub(super) fn source(&mut self, checker: &mut Checker, server_is_v4: bool) {
        let connection = &mut checker.connection;
        let other = |from: std::net::IpAddr| from.is_ipv4() != server_is_v4;
        if connection.address.is_none() && connection.bind_address.is_some_and(other) {
            let place = checker.common.place("bindto");
            let text = "`bindto` is not of the family of the real server";
            self.problems.error(place, text, "it has no effect");
            connection.bind_address = None;
        }
    }

    /// The ends of a connection must fit.
    fn connection(&mut self, checker: &mut Checker) {
        let connection = &mut checker.connection;
        if let (Some(to), Some(from)) = (connection.address, connection.bind_address) {
            if to.is_ipv4() != from.is_ipv4() {
                let place = checker.common.place("bindto");
                let text = "`bindto` and `connect_ip` are of two families";
                self.problems.error(place, text, "bindto has no effect");
                connection.bind_address = None;
            }
        }
        let link_local = [connection.address, connection.bind_address]
            .into_iter()
            .flatten()
            .any(|address| match address {
                std::net::IpAddr::V6(address) => address.is_unicast_link_local(),
                std::net::IpAddr::V4(_) => false,
            });
        if link_local && connection.bind_interface.is_none() {
            let place = checker.common.place("connect_ip");
            let text = "a link-local address needs `bind_if`";
            self.problems
                .warning(place, text, "each check fails: say through which interface");
        }
    }
}

/// What a `host` of an SMTP_CHECK says of more than its connection counts for the whole check.
fn without_rhythm_in_hosts(mut statement: Statement) -> Statement {
    let is_of_connection =
        |child: &Statement| Connection::default().field(child.keyword.name).is_some();
    let mut of_check = Vec::new();
    let hosts = statement.children.iter_mut();
    for host in hosts.filter(|child| child.keyword.opens == Opens::Block(Block::SmtpHost)) {
        let (kept, moved) = std::mem::take(&mut host.children)
            .into_iter()
            .partition(is_of_connection);
        host.children = kept;
        of_check.extend::<Vec<_>>(moved);
    }
    statement.children.extend(of_check);
    statement
}

fn refuse_url(problems: &mut Problems, url: &Url) {
    let text = "`url` without `path`";
    problems.error(url.common.at.0, text, "it has no effect");
}
