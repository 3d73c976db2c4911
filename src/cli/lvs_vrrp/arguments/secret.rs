//! Passwords and keys of a command line.

use crate::vrrp::{Authentication, Secret};

/// Where secrets are read from.
pub struct Secrets<'a> {
    /// A variable of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// A file.
    pub file: &'a dyn Fn(&str) -> Option<Vec<u8>>,
}

/// Of `pass:SECRET` or `ah:SECRET`. No message has the secret in it.
pub(super) fn authentication(
    text: &str,
    secrets: &Secrets<'_>,
    warnings: &mut Vec<String>,
) -> Result<Authentication, String> {
    let expected = "invalid --auth, expected pass: or ah: and a secret behind it";
    let (kind, secret) = text.split_once(':').ok_or(expected)?;
    let secret = if let Some(name) = secret.strip_prefix("env:") {
        let value = (secrets.variable)(name).ok_or_else(|| format!("no such variable: {name}"))?;
        value.into_bytes()
    } else if secret.starts_with('/') {
        (secrets.file)(secret).ok_or_else(|| format!("cannot read the secret: {secret}"))?
    } else {
        warnings.push(
            "a secret on the command line can be seen by all users: use a file or env:NAME".into(),
        );
        secret.as_bytes().to_vec()
    };
    let secret = secret.trim_ascii_end();
    if secret.is_empty() {
        return Err("the secret is empty".into());
    }
    if secret.len() > 8 {
        warnings.push("only the first 8 bytes of the secret count".into());
    }
    match kind {
        "pass" => Ok(Authentication::Simple(Secret::new(secret))),
        "ah" => Ok(Authentication::Header(Secret::new(secret))),
        _ => Err(expected.into()),
    }
}
