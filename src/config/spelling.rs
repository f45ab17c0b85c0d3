//! Suggestions for names that are not known.

/// The likeliest name: one a typo away, or else a similar one.
pub(super) fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let name = name.replace('-', "_").to_lowercase();
    let names: Vec<&str> = names.collect();
    let typos = |other: &&&str| strsim::osa_distance(&name, &other.to_lowercase());
    let likeness = |other: &&str| strsim::jaro(&name, &other.to_lowercase());
    let typo = names.iter().min_by_key(typos).filter(|best| typos(best) <= (name.chars().count() / 3).max(1));
    let alike = || names.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|best| likeness(best) > 0.75);
    typo.or_else(alike).copied()
}

#[cfg(test)]
mod tests {
    use super::{super::KEYS, *};

    #[test]
    fn a_typo_gets_a_suggestion() {
        let names = || KEYS.iter().map(|key| key.name);
        #[rustfmt::skip]
        let table = [
            ("max-duration", Some("max_duration")),
            ("maxduration",  Some("max_duration")),
            ("organization", Some("organisation")),
            ("Dest",         Some("dest")),
            ("client_ID",    Some("client_id")),
            ("dst",          Some("dest")),
            ("raet",         Some("rate")),
            ("destination",  Some("dest")),
            ("xyzzy",        None),
        ];
        for (name, meant) in table {
            assert_eq!(nearest(name, names()), meant, "{name}");
        }
    }
}
