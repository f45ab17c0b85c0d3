//! One link and one byte.

use super::{failure::failure, sheet::Sheet, statements as says};
use crate::{
    model::Listed,
    remote::{FirstByte, Inspector, Link, Settings, is_loopback},
    report::{Area, Check},
};

/// Asks for a link to a document's newest version, and for its first byte.
pub(super) async fn content(sheet: &mut Sheet, inspector: &Inspector, settings: &Settings, document: &Listed) {
    let Some(version) = &document.version else {
        return sheet.add(Check::skipped(Area::Storage, "not asked: the first documents have no version"));
    };
    let seen = inspector.download_link(&document.id, version).await;
    let link = match seen.read {
        Ok(link) => link,
        Err(error) => {
            sheet.saw(says::LINK, false, error.to_string());
            return sheet.add(failure(Area::Storage, &error));
        }
    };
    let lives = link.lives().map(|lives| format!("lives {} s by its own word", lives.as_secs()));
    if let Some(lives) = &lives {
        sheet.saw(says::LIFETIME, true, lives.as_str());
    }
    let lives = lives.unwrap_or_else(|| "does not say how long it lives".to_owned());
    sheet.saw(says::LINK, true, "it answers");
    if !is_loopback(&settings.api_url) {
        // The rule for links let it through.
        sheet.saw(says::HTTPS, link.is_https(), "it is");
    }
    sheet.add(Check::ok(
        Area::Storage,
        format!("a download link was given ({} ms), to {}, which {lives}", seen.took.as_millis(), link.host()),
    ));
    byte(sheet, inspector, settings, &link).await;
}

async fn byte(sheet: &mut Sheet, inspector: &Inspector, settings: &Settings, link: &Link) {
    let first = match inspector.first_byte(link).await {
        Ok(first) => first,
        Err(error) => {
            let text = error.to_string();
            let found = text.split("; ").next().unwrap_or(&text).to_owned();
            let next = "see that this machine may reach the storage's host, too; a redirect (3xx) is followed by a run";
            return sheet.add(Check::failure(Area::Storage, found, next));
        }
    };
    let other = settings.api_url.host_str() != Some(link.host());
    if !is_loopback(&settings.api_url) {
        sheet.saw(says::PRESIGNED, other, format!("on {}", link.host()));
    }
    let blob = if first.is_blob { "the answer has a blob's type" } else { "the answer has no x-ms-blob-type" };
    sheet.saw(says::AZURE, first.is_blob, blob);
    let lacks = lacks(&first);
    // Of a part no MD5 is asked.
    let md5 = if first.has_md5 { "with" } else { "without" };
    let all =
        if lacks.is_empty() { "the others are there".to_owned() } else { format!("without {}", lacks.join(", ")) };
    let seen = format!("{all}, {md5} an MD5 of the whole in the answer for one byte");
    sheet.saw(says::HEADS, lacks.is_empty(), seen);
    let took = first.took.as_millis();
    sheet.add(if first.is_part {
        Check::ok(
            Area::Storage,
            format!("the first byte came by itself ({took} ms): a download can go on where it was cut"),
        )
    } else {
        let found = format!("storage answered {} where one byte was asked for ({took} ms)", first.status);
        Check::warning(Area::Storage, found, "it works; a download that is cut begins again from its start")
    });
}

fn lacks(first: &FirstByte) -> Vec<&'static str> {
    [(first.has_etag, "ETag"), (first.has_time, "Last-Modified"), (first.offers_ranges, "Accept-Ranges")]
        .into_iter()
        .filter_map(|(has, what)| (!has).then_some(what))
        .collect()
}
