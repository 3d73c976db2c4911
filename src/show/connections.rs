//! The connections as `ipvsadm -Lc` prints them.

use std::fmt::{self, Write};

use crate::addr::Name;
use crate::ipvs::connections::{self, Connection, Count};

use super::classic::write_endpoint;

/// How a listing of connections is to look.
#[derive(Clone, Copy)]
pub struct ConnectionList<'a> {
    /// With what the persistence engine knows.
    pub engine: bool,
    /// Who knows names.
    pub names: &'a dyn Name,
}

impl ConnectionList<'_> {
    /// Appends the title and the names of the columns.
    pub fn titles(&self, out: &mut String) {
        out.push_str("IPVS connection entries\n");
        out.push_str("pro expire state       source             virtual            destination");
        if self.engine {
            out.push_str("        pe name          pe_data");
        }
        out.push('\n');
    }

    /// Appends one connection. A name that is too wide shifts the columns behind it.
    pub fn connection(&self, out: &mut String, connection: &Connection<'_>) -> fmt::Result {
        let Connection {
            protocol,
            state,
            expires,
            ..
        } = connection;
        let time = format!("{:02}:{:02}", expires / 60, expires % 60);
        let [client, service, destination] = [
            &connection.client,
            &connection.service,
            &connection.destination,
        ]
        .map(|endpoint| {
            let mut text = String::new();
            write_endpoint(
                &mut text,
                self.names,
                endpoint,
                connections::protocol(protocol),
            );
            text
        });
        write!(
            out,
            "{protocol:<3} {time:<6} {state:<11} {client:<18} {service:<18} "
        )?;
        match connection.engine.filter(|_| self.engine) {
            // These columns do not stand under their titles; ipvsadm's neither.
            Some((engine, data)) => writeln!(out, "{destination:<16} {engine:<18} {data}"),
            None => writeln!(out, "{destination}"),
        }
    }
}

/// How a listing of counts is to look.
#[derive(Clone, Copy)]
pub struct CountList<'a> {
    /// Who knows names.
    pub names: &'a dyn Name,
}

impl CountList<'_> {
    /// Appends the title and the names of the columns.
    pub fn titles(&self, out: &mut String) {
        out.push_str("IPVS connection counts\npro destination        state       connections\n");
    }

    /// Appends the count of one kind of connection.
    pub fn count(&self, out: &mut String, count: Count<'_>) -> fmt::Result {
        let Count {
            protocol,
            state,
            connections,
            ..
        } = count;
        let mut destination = String::new();
        let number = connections::protocol(protocol);
        write_endpoint(&mut destination, self.names, &count.destination, number);
        writeln!(
            out,
            "{protocol:<3} {destination:<18} {state:<11} {connections}"
        )
    }
}
