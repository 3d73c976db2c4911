//! The mail server and the readers of mails that a keepalived.conf names.

use std::time::Duration;

use crate::conf::model::Global;
use crate::notify::mail::Envelope;
use crate::notify::postman::Relay;

/// Who carries mails, and whom to; nothing, when there is no relay or nobody to get them. Without
/// `notification_email_from` they come from this program at this host.
pub fn of(global: &Global, program: &str, host: &str) -> Option<(Relay, Envelope)> {
    /// That of SMTP (RFC 5321, section 4.5.4.2).
    const PORT: u16 = 25;
    let words = global.smtp_server.as_ref()?;
    let to = global.mail_to.iter();
    let to: Vec<String> = to.map(|name| name.name.clone()).collect();
    if to.is_empty() {
        return None;
    }
    let own = || format!("{program}@{host}");
    let relay = Relay {
        host: words.first()?.clone(),
        port: words
            .get(1)
            .and_then(|port| port.parse().ok())
            .unwrap_or(PORT),
        helo: global.smtp_helo_name.clone().unwrap_or(host.to_owned()),
        timeout: Duration::from_secs(global.smtp_connect_timeout.max(1).into()),
    };
    let from = global.mail_from.clone().unwrap_or_else(own);
    Some((relay, Envelope { from, to }))
}
