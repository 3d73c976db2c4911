//! Orders and questions that come while it runs.

use std::io;

use crate::addr::Endpoint;
use crate::check::control::Asked;
use crate::check::orders::{Order, Orders, Term};
use crate::check::request::{Command, Form, Request};
use crate::check::status::{self, ServiceStatus};
use crate::host::{error_text, files};
use crate::show::check::{self as show, status as show_status};

use super::Running;
use crate::cli::lvs_check::{DONE, REFUSED, Session};

impl Session<'_> {
    /// What was ordered before; what cannot be read is told, and does not hold.
    pub(super) fn read_orders(&mut self) -> Orders {
        let mut orders = Orders::default();
        // What holds always, counts more than what was said before it.
        for term in Term::ALL {
            let read = (self.environment.orders)(term).and_then(|path| files::read(&path));
            match read {
                Ok(text) => orders.read(&text.unwrap_or_default(), term),
                Err(error) => {
                    let text = error_text(&error);
                    self.complain(&format!("cannot read what was ordered: {text}"));
                }
            }
        }
        orders
    }
}

impl Running<'_, '_, '_> {
    /// Answers a question.
    pub(super) fn answer(&mut self, asked: Asked) {
        let answer = match asked.line.parse() {
            Ok(Request::Status(form)) => Ok(self.status(form)),
            Ok(Request::Order(command)) => self.order(command),
            Err(()) => Err(format!("not a question: {}", asked.line)),
        };
        asked.answer(match answer {
            Ok(text) => format!("{DONE}\n{text}"),
            Err(text) => format!("{REFUSED}\n{text}"),
        });
    }

    fn status(&self, form: Form) -> String {
        let now = self.start.elapsed();
        let watches = self.desired.watches.iter().zip(&self.resting);
        let services: Vec<ServiceStatus> = watches
            .map(|(watch, rests)| ServiceStatus::of(&watch.group, &self.orders, now, *rests))
            .collect();
        show_status::status(&services, form)
    }

    /// Does what was ordered; the answer says what has become of the table.
    fn order(&mut self, command: Command) -> Result<String, String> {
        let (watch, number) = self.find(command)?;
        let group = &self.desired.watches[watch].group;
        let endpoint = group.servers[number].destination.endpoint;
        let services: Vec<_> = group.services().map(|service| service.id).collect();
        let mut orders = self.orders.clone();
        for service in &services {
            orders.take_back(service, &endpoint);
        }
        if let Some(order) = command.order {
            let term = match (command.persists, order) {
                (true, _) => Term::Always,
                (false, Order::Disable) => Term::Boot,
                (false, Order::Drain | Order::Weight(_)) => Term::Reload,
            };
            orders.give(command.service.0, endpoint, order, term);
        }
        // What cannot be remembered is not done: it would not hold.
        let written = self.write_orders(&orders);
        written.map_err(|error| format!("cannot remember: {}", error_text(&error)))?;
        self.orders = orders;
        self.desired.watches[watch].group.servers[number].order = command.order;
        let target = show::target(&services[0], Some(&endpoint));
        let what = command
            .order
            .map_or("enable".to_owned(), |order| order.to_string());
        self.session.tell(&format!("{what} {target}"));
        self.count(watch);
        self.pending.insert(watch);
        self.follow_now();
        let weights = self.desired.watches[watch].group.wanted();
        let found = weights.iter().find(|wanted| wanted.endpoint == endpoint);
        Ok(match found {
            Some(found) => format!("{endpoint} has weight {}\n", found.weight.0),
            None => format!("{endpoint} is not in the table\n"),
        })
    }

    /// Forgets what does not outlive a reload, or the end of the loop.
    pub(super) fn forget_orders(&mut self) {
        let mut orders = self.orders.clone();
        orders.reload();
        if let Err(error) = self.write_orders(&orders) {
            let text = error_text(&error);
            self.session
                .complain(&format!("cannot forget what was ordered: {text}"));
        }
        self.orders = orders;
    }

    fn write_orders(&self, orders: &Orders) -> io::Result<()> {
        /// Others have no business with it.
        const MODE: u32 = 0o600;
        for term in Term::ALL {
            let text = orders.write(term);
            if text == self.orders.write(term) {
                continue;
            }
            let path = (self.session.environment.orders)(term)?;
            match text.is_empty() {
                true => files::remove(&path)?,
                false => files::replace(&path, text.as_bytes(), MODE)?,
            }
        }
        Ok(())
    }

    /// The service and the server that a command means.
    fn find(&self, command: Command) -> Result<(usize, usize), String> {
        let Command {
            service, server, ..
        } = command;
        let mut watches = self.desired.watches.iter();
        let watch = watches.position(|watch| {
            let mut services = watch.group.services();
            services.any(|one| one.id == service.0)
        });
        let watch = watch.ok_or_else(|| format!("no such service: {service}"))?;
        let servers = self.desired.watches[watch].group.servers.iter().enumerate();
        let is_meant = |endpoint: Endpoint| {
            endpoint.address == server.address
                && server.port.is_none_or(|port| port == endpoint.port)
        };
        let mut found = servers.filter(|(_, one)| is_meant(one.destination.endpoint));
        match (found.next(), found.next()) {
            (Some((number, _)), None) => Ok((watch, number)),
            (None, _) => Err(format!("no such server of {service}: {server}")),
            (Some(_), Some(_)) => Err(format!("which port? {service} has several: {server}")),
        }
    }

    /// Puts what was ordered upon the servers that there are now. The table has to follow where that
    /// is something else than before.
    pub(super) fn obey(&mut self) {
        for (place, watch) in self.desired.watches.iter_mut().enumerate() {
            let group = &watch.group;
            let orders: Vec<Option<Order>> = group
                .servers
                .iter()
                .map(|server| {
                    let endpoint = server.destination.endpoint;
                    status::order(group, &self.orders, &endpoint).map(|(order, _)| order)
                })
                .collect();
            for (server, order) in watch.group.servers.iter_mut().zip(orders) {
                if server.order != order {
                    server.order = order;
                    self.pending.insert(place);
                }
            }
        }
    }
}
