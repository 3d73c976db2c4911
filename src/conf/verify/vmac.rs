//! Virtual MAC addresses, and the interfaces that have them.

use std::collections::HashMap;
use std::net::IpAddr;

use super::vrrp::UNICAST;
use crate::conf::model::Instance;
use crate::conf::problem::Problems;

/// Options of interfaces that the instance does not have, and some that go with those it has.
pub fn devices(instance: &mut Instance, problems: &mut Problems) {
    let name = instance.name.clone();
    if instance.vrf.take().is_some() {
        let text = format!("{name}: `vrf` with an `interface`");
        let place = instance.common.place("vrf");
        problems.error(place, text, "it has no effect");
    }
    let keyword = match instance.use_vmac {
        Some(_) => "use_vmac",
        None if instance.common.has("use_ipvlan") => "use_ipvlan",
        None if instance.vmac_xmit_base => {
            let text = format!("{name}: `vmac_xmit_base` without `use_vmac`");
            let place = instance.common.place("vmac_xmit_base");
            problems.warning(place, text, "it has no effect");
            instance.vmac_xmit_base = false;
            return;
        }
        None => return,
    };
    let place = instance.common.place(keyword);
    let is_unicast = UNICAST.iter().any(|word| instance.common.has(word));
    if is_unicast && !instance.vmac_xmit_base {
        let text = format!("{name}: unicast with `{keyword}` needs `vmac_xmit_base`");
        problems.warning(place, text, "it is set: write it");
        instance.vmac_xmit_base = true;
    }
    if instance.promote_secondaries {
        let text = format!("{name}: `promote_secondaries` has no effect with `{keyword}`");
        let place = instance.common.place("promote_secondaries");
        problems.warning(
            place,
            text,
            "such an interface has it anyhow: remove the line",
        );
        instance.promote_secondaries = false;
    }
}

/// No two instances have an interface of the same name made.
pub fn names(instances: &mut [Instance], problems: &mut Problems) {
    let mut taken: HashMap<String, String> = HashMap::new();
    for instance in instances {
        for keyword in ["use_vmac", "use_ipvlan"] {
            let Some(words) = made_by(instance, keyword) else {
                continue;
            };
            let name = words.iter().find(|word| is_name(word)).cloned();
            let Some(name) = name else { continue };
            let Some(other) = taken.get(&name) else {
                taken.insert(name, instance.name.clone());
                continue;
            };
            let text = format!(
                "{}: instance {other} has an interface `{name}` made already",
                instance.name
            );
            let place = instance.common.place(keyword);
            problems.error(place, text, "the name has no effect: write another");
            if let Some(words) = instance.use_vmac.as_mut().filter(|_| keyword == "use_vmac") {
                words.retain(|word| *word != name);
            }
        }
    }
}

/// Whether a word is none of the others that stand there: addresses, and the modes of ipvlan.
fn is_name(word: &str) -> bool {
    let is_mode = ["bridge", "private", "vepa"].contains(&word);
    let address = word.split('/').next().unwrap_or_default();
    !is_mode && !word.contains(':') && address.parse::<IpAddr>().is_err()
}

/// The words behind a keyword that makes an interface.
fn made_by<'i>(instance: &'i Instance, keyword: &str) -> Option<&'i [String]> {
    if keyword == "use_vmac" {
        return instance.use_vmac.as_deref();
    }
    let kept = instance
        .common
        .kept
        .iter()
        .find(|kept| kept.name == keyword);
    kept.map(|kept| kept.words.as_slice())
}
