//! Requests one download link and one byte.

use super::{failure::failure, results::Results, statements as says};
use crate::{
    model::Listed,
    remote::{FirstByte, Inspector, Link, Settings, is_loopback},
    report::{Area, Check},
};

/// Requests a link to a document's newest version, and its first byte.
pub(super) async fn content(results: &mut Results, inspector: &Inspector, settings: &Settings, document: &Listed) {
    let Some(version) = &document.version else {
        return results.add(Check::skipped(Area::Storage, "not checked: the first documents have no version"));
    };
    let seen = inspector.download_link(&document.id, version).await;
    let link = match seen.read {
        Ok(link) => link,
        Err(error) => {
            results.observe(says::LINK, false, error.to_string());
            return results.add(failure(Area::Storage, &error));
        }
    };
    let lifetime = link.lifetime().map(|lifetime| format!("lives {} s", lifetime.as_secs()));
    if let Some(lifetime) = &lifetime {
        results.observe(says::LIFETIME, true, lifetime.as_str());
    }
    let lifetime = lifetime.unwrap_or_else(|| "does not state its lifetime".to_owned());
    results.observe(says::LINK, true, "it answers");
    if !is_loopback(&settings.api_url) {
        // The rule for links accepted it.
        results.observe(says::HTTPS, link.is_https(), "yes");
    }
    results.add(Check::ok(
        Area::Storage,
        format!("a download link was given ({} ms), to {}, which {lifetime}", seen.took.as_millis(), link.host()),
    ));
    byte(results, inspector, settings, &link).await;
}

async fn byte(results: &mut Results, inspector: &Inspector, settings: &Settings, link: &Link) {
    let first = match inspector.first_byte(link).await {
        Ok(first) => first,
        Err(error) => {
            let text = error.to_string();
            let found = text.split("; ").next().unwrap_or(&text).to_owned();
            let next = "check that this machine may reach the storage host; runs follow redirects (3xx)";
            return results.add(Check::failure(Area::Storage, found, next));
        }
    };
    let other = settings.api_url.host_str() != Some(link.host());
    if !is_loopback(&settings.api_url) {
        results.observe(says::PRESIGNED, other, format!("on {}", link.host()));
    }
    let blob = if first.is_blob { "the answer has a blob's type" } else { "the answer has no x-ms-blob-type" };
    results.observe(says::AZURE, first.is_blob, blob);
    let lacks = lacks(&first);
    // A partial response needs no MD5.
    let md5 = if first.has_md5 { "with" } else { "without" };
    let all = if lacks.is_empty() { "has all others".to_owned() } else { format!("without {}", lacks.join(", ")) };
    let seen = format!("{all}, {md5} an MD5 of the whole in the answer for one byte");
    results.observe(says::HEADS, lacks.is_empty(), seen);
    let took = first.took.as_millis();
    results.add(if first.is_part {
        Check::ok(Area::Storage, format!("storage sent a single byte ({took} ms): downloads can be resumed"))
    } else {
        let found = format!("storage answered {} to a request for one byte ({took} ms)", first.status);
        Check::warning(Area::Storage, found, "it works, but an interrupted download starts again from the beginning")
    });
}

fn lacks(first: &FirstByte) -> Vec<&'static str> {
    [(first.has_etag, "ETag"), (first.has_time, "Last-Modified"), (first.offers_ranges, "Accept-Ranges")]
        .into_iter()
        .filter_map(|(has, what)| (!has).then_some(what))
        .collect()
}
