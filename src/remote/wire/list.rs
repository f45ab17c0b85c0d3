//! Lists without pages: binders, tabs and folders.
//!
//! The documentation shows a bare array of binders, its quickstart an object with `items`; both are read, for
//! folders too. A list that claims more items than it shows is incomplete, which an odd item at its end reports.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Number, OddItem, Text, garbled, item::name};
use crate::{
    model::{BadId, Binder, BinderId, Folder, FolderId},
    remote::cause::Cause,
};

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(rename = "parentId", borrow)]
    parent: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
    #[serde(rename = "totalCount")]
    total: Option<Number>,
}

pub(in crate::remote) fn binders(text: &str) -> Result<Vec<Result<Binder, OddItem>>, Cause> {
    list(text, |wire| Ok(Binder { id: BinderId::parse(wire.id.as_str())?, name: name(wire.name) }))
}

/// Reads a list of folders. The parent defaults to the given one; a folder whose parent is its binder is a tab.
pub(in crate::remote) fn folders(
    text: &str,
    binder: &BinderId,
    parent: Option<&FolderId>,
) -> Result<Vec<Result<Folder, OddItem>>, Cause> {
    list(text, |wire| {
        let own = wire.parent.filter(|own| !own.as_str().is_empty() && own.as_str() != binder.as_str());
        let own = own.map(|own| FolderId::parse(own.as_str())).transpose()?;
        let parent = own.or_else(|| parent.cloned());
        Ok(Folder { id: FolderId::parse(wire.id.as_str())?, parent, name: name(wire.name) })
    })
}

fn list<T>(text: &str, make: impl Fn(Wire<'_>) -> Result<T, BadId>) -> Result<Vec<Result<T, OddItem>>, Cause> {
    let envelope = if text.trim_start().starts_with('[') {
        serde_json::from_str(text).map(|items| Envelope { items, total: None })
    } else {
        serde_json::from_str(text)
    };
    let Envelope { items, total } = envelope.map_err(|error| garbled(&error))?;
    let shown = items.len();
    let mut list: Vec<_> = items.into_iter().enumerate().map(|(position, raw)| one(position, raw, &make)).collect();
    if let Some(Number(total)) = total.filter(|total| total.0 > shown as u64) {
        let cause = format!("the list shows {shown} of {total}; there is no call for the rest");
        list.push(Err(OddItem::new(shown, None, &cause)));
    }
    Ok(list)
}

fn one<T>(position: usize, raw: &RawValue, make: impl Fn(Wire<'_>) -> Result<T, BadId>) -> Result<T, OddItem> {
    let wire: Wire<'_> =
        serde_json::from_str(raw.get()).map_err(|error| OddItem::new(position, None, &error.to_string()))?;
    let id = wire.id.as_str().to_owned();
    make(wire).map_err(|error| OddItem::new(position, Some(&id), &error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binders_in_both_shapes() {
        let items = r#"[{"id":"Ab_1","name":"Hus","type":"x","createdAt":"2020"},{"id":"b","name":null},{"name":"odd"},{"id":"c"}]"#;
        let table = [
            items.to_owned(),
            format!(" \n{items}"),
            format!(r#"{{"items":{items}}}"#),
            format!(r#"{{"totalCount":4,"items":{items},"x":1}}"#),
        ];
        for json in table {
            let binders = binders(&json).unwrap();
            let good: Vec<_> = binders.iter().flatten().map(|b| (b.id.as_str(), b.name.as_str())).collect();
            assert_eq!(good, [("Ab_1", "Hus"), ("b", ""), ("c", "")], "{json}");
            assert_eq!(binders[2].as_ref().unwrap_err().position, 2);
        }
    }

    #[test]
    fn an_incomplete_list_is_reported() {
        let binders = binders(r#"{"items":[{"id":"a"}],"totalCount":30}"#).unwrap();
        assert_eq!(binders.len(), 2);
        assert!(binders[1].as_ref().unwrap_err().cause.contains("1 of 30"));
    }

    #[test]
    fn invalid_lists() {
        for json in ["", "null", "{}", r#"{"items":null}"#, r#"{"items":{}}"#, "<html>", "[", "[1]]", r#""x""#] {
            assert!(binders(json).is_err(), "{json}");
        }
        assert_eq!(binders("[]").unwrap(), []);
    }

    #[test]
    fn folders_know_their_parents() {
        let binder = BinderId::parse("Bb").unwrap();
        let asked = FolderId::parse("p").unwrap();
        let json = r#"[{"id":"A"},{"id":"b","parentId":"Q"},{"id":"c","parentId":"Bb"},{"id":"d","parentId":null},
            {"id":"e","parentId":""},{"id":"f","parentId":7},{"id":""}]"#;
        let parents = |parent| -> Vec<_> {
            let folders = folders(json, &binder, parent).unwrap();
            assert_eq!(folders.len(), 7);
            let text = |folder: &Folder| folder.parent.as_ref().map(|parent| parent.as_str().to_owned());
            folders.iter().flatten().map(text).collect()
        };
        let (q, p) = (Some("Q".to_owned()), Some("p".to_owned()));
        assert_eq!(parents(None), [None, q.clone(), None, None, None]);
        assert_eq!(parents(Some(&asked)), [p.clone(), q, p.clone(), p.clone(), p]);
    }
}
