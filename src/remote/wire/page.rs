//! A page of a search.
//!
//! `items[]`, `totalCount`, `pageNumber`, `pageSize` (`docs/api-contract.md`, "Document search"). Without items or
//! a total a page proves nothing and is an error; its own number and size are passed on, since the caller checks
//! them.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    Number, Text, garbled,
    item::{Item, ItemReading, OddItem},
};
use crate::{
    model::{BinderId, DocumentId, Listed},
    remote::cause::Cause,
};

/// A page of search results.
#[derive(Debug, PartialEq, Eq)]
pub struct SearchPage {
    /// The documents in the service's order, with odd items in their places.
    pub items: Vec<Result<Listed, OddItem>>,
    /// The size of the whole search result.
    pub total: u64,
    /// The page's own number, from 1; the requested one if missing.
    pub page_number: u64,
    /// The page's own size, never 0; the requested one if missing.
    pub page_size: u64,
    /// Warnings about documents.
    pub oddities: Vec<Oddity>,
}

/// A document that could not be read completely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oddity {
    /// The document.
    pub document: DocumentId,
    /// What is missing of it.
    pub kind: OddityKind,
}

/// What is missing of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OddityKind {
    /// Its metadata were too large and were dropped.
    MetadataTooLarge,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<T> {
    // `Option` without a default would accept a missing field; only a null list counts as an empty search.
    #[serde(deserialize_with = "present", bound(deserialize = "T: Deserialize<'de>"))]
    items: Option<Vec<T>>,
    total_count: Number,
    page_number: Option<Number>,
    page_size: Option<Number>,
}

fn present<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

/// Reads a page; `number` and `size` are what was requested.
pub(in crate::remote) fn page(
    text: &str,
    asked: Option<&BinderId>,
    number: u32,
    size: u32,
) -> Result<SearchPage, Cause> {
    let mut reader = Reader { asked, items: Vec::new(), oddities: Vec::new() };
    let head = if let Ok(wire) = serde_json::from_str::<Wire<Item<'_>>>(text) {
        reader.fast(wire)?
    } else {
        reader.careful(serde_json::from_str::<Wire<&RawValue>>(text).map_err(|error| garbled(&error))?)?
    };
    Ok(SearchPage {
        items: reader.items,
        total: head.total,
        page_number: head.number.unwrap_or_else(|| number.into()),
        page_size: head.size.filter(|size| *size > 0).unwrap_or_else(|| size.into()),
        oddities: reader.oddities,
    })
}

struct Head {
    total: u64,
    number: Option<u64>,
    size: Option<u64>,
}

struct Reader<'a> {
    asked: Option<&'a BinderId>,
    items: Vec<Result<Listed, OddItem>>,
    oddities: Vec<Oddity>,
}

impl Reader<'_> {
    /// All items match the documentation.
    fn fast(&mut self, wire: Wire<Item<'_>>) -> Result<Head, Cause> {
        let (head, items) = split(wire)?;
        self.items.reserve_exact(items.len());
        for item in items {
            self.take(item);
        }
        Ok(head)
    }

    /// Some item does not match, and is found.
    fn careful(&mut self, wire: Wire<&RawValue>) -> Result<Head, Cause> {
        let (head, items) = split(wire)?;
        for raw in items {
            match serde_json::from_str(raw.get()) {
                Ok(item) => self.take(item),
                Err(error) => self.refuse(id_of(raw).as_deref(), &error.to_string()),
            }
        }
        Ok(head)
    }

    fn take(&mut self, mut item: Item<'_>) {
        let before = self.items.last().and_then(|item| item.as_ref().ok());
        match item.document(self.asked, before) {
            Ok(ItemReading { listed, metadata_dropped }) => {
                if metadata_dropped {
                    let document = listed.id.clone();
                    self.oddities.push(Oddity { document, kind: OddityKind::MetadataTooLarge });
                }
                self.items.push(Ok(listed));
            }
            Err(odd) => self.refuse(item.id().as_deref(), &odd.to_string()),
        }
    }

    fn refuse(&mut self, id: Option<&str>, cause: &str) {
        self.items.push(Err(OddItem::new(self.items.len(), id, cause)));
    }
}

fn split<T>(wire: Wire<T>) -> Result<(Head, Vec<T>), Cause> {
    let head = Head {
        total: wire.total_count.0,
        number: wire.page_number.map(|number| number.0),
        size: wire.page_size.map(|number| number.0),
    };
    match wire.items {
        Some(items) => Ok((head, items)),
        None if head.total == 0 => Ok((head, Vec::new())),
        None => Err(Cause::Garbled("it has a total but no items".into())),
    }
}

/// The id of an item with odd fields.
fn id_of(raw: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Id<'a> {
        #[serde(borrow)]
        id: Text<'a>,
    }
    let item: Id<'_> = serde_json::from_str(raw.get()).ok()?;
    DocumentId::parse(item.id.as_str()).ok().map(|id| id.to_string())
}
