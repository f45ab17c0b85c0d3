//! Names of a Swedish property owner's binders, folders and documents.
//!
//! Every function is pure: a name depends on the seed and a number. A document's first name is also printed in it,
//! so it must not depend on later events.

use crate::sandbox::id::{below, mix, mix_all};

/// The kind of documents in a folder.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Drawing,
    Agreement,
    Care,
    Inspection,
    Economy,
    Board,
    /// Folders of folders and miscellaneous documents.
    Various,
}

/// A folder that each binder has.
pub(super) struct FolderSpec {
    pub(super) name: &'static str,
    /// The parent; `None` for a tab.
    pub(super) parent: Option<usize>,
    pub(super) topic: Topic,
}

const fn tab(name: &'static str, topic: Topic) -> FolderSpec {
    FolderSpec { name, parent: None, topic }
}

const fn subfolder(parent: usize, name: &'static str, topic: Topic) -> FolderSpec {
    FolderSpec { name, parent: Some(parent), topic }
}

/// The folders of a binder: tabs, and folders by trade, building and floor.
pub(super) const FOLDERS: [FolderSpec; 30] = [
    tab("Ritningar", Topic::Drawing),
    tab("Avtal", Topic::Agreement),
    tab("Drift och underhåll", Topic::Care),
    tab("Besiktningar", Topic::Inspection),
    tab("Ekonomi", Topic::Economy),
    tab("Styrelse & stämma", Topic::Board),
    tab("Äldre handlingar", Topic::Various),
    subfolder(0, "A – Arkitekt", Topic::Drawing),
    subfolder(0, "K – Konstruktion", Topic::Drawing),
    subfolder(0, "V – VVS", Topic::Drawing),
    subfolder(0, "E – El", Topic::Drawing),
    subfolder(7, "Hus A", Topic::Drawing),
    subfolder(7, "Hus B", Topic::Drawing),
    subfolder(11, "Plan 1", Topic::Drawing),
    subfolder(11, "Plan 2", Topic::Drawing),
    subfolder(12, "Plan 1", Topic::Drawing),
    subfolder(9, "Undercentral", Topic::Drawing),
    subfolder(1, "Hissar", Topic::Agreement),
    subfolder(1, "Entreprenad", Topic::Agreement),
    subfolder(1, "Försäkring", Topic::Agreement),
    subfolder(2, "Ventilation", Topic::Care),
    subfolder(2, "Värme", Topic::Care),
    subfolder(2, "El & belysning", Topic::Care),
    subfolder(20, "Hus A", Topic::Care),
    subfolder(20, "Hus B", Topic::Care),
    subfolder(3, "OVK", Topic::Inspection),
    subfolder(3, "Hissbesiktning", Topic::Inspection),
    subfolder(3, "Slutbesiktning", Topic::Inspection),
    subfolder(4, "Budget", Topic::Economy),
    subfolder(5, "Protokoll", Topic::Board),
];

/// The folder of the documents with difficult names.
pub(super) const AWKWARD_FOLDER: usize = 6;

/// Names that are difficult for file systems; all are in one folder.
pub(super) fn awkward(number: usize) -> Option<String> {
    let plain = match number {
        0 | 1 => "Protokoll.pdf",
        2 => "PROTOKOLL.pdf",
        3 => "protokoll.PDF",
        4 => "Fasad: norr/söder \"A\" <utkast> * 50%?.pdf",
        5 => "Brandskydd Hus A.",
        6 => "  Inflyttning  ",
        7 => "Nyckelkvittens 🔑🏠.pdf",
        8 => "O\u{308}versikt mark a\u{30a}r 2021.pdf",
        9 => "Översikt mark år 2021.pdf",
        10 => "",
        11 => "CON.txt",
        12 => "..",
        13 => "Grind\tkod\u{1}.txt",
        14 => return Some(format!("{} slut.pdf", "Mycket lång rubrik om stambyte i källaren ".repeat(8).trim_end())),
        15 => ".ibinder-sync",
        _ => return None,
    };
    Some(plain.to_owned())
}

const ESTATES: [&str; 16] = [
    "Sjöstaden",
    "Björken",
    "Tallbacken",
    "Åkerlyckan",
    "Gränden",
    "Norra Hamnen",
    "Ängsvägen",
    "Eken",
    "Lärkan",
    "Mårten Trotzig",
    "Västra Kajen",
    "Hässlet",
    "Kvarnen",
    "Rönnen",
    "Örnen",
    "Fågelbacken",
];

pub(super) fn binder(seed: u64, number: usize) -> String {
    let roll = mix_all(&[seed, 11, number as u64]);
    let estate = ESTATES[(number + below(mix(seed), ESTATES.len())) % ESTATES.len()];
    match (below(roll, 3), number / ESTATES.len()) {
        (0, 0) => format!("Brf {estate}"),
        (0, round) => format!("Brf {estate} {}", round + 1),
        (1, round) => format!("Kv. {estate} {}", round + 1 + below(mix(roll), 9)),
        (_, round) => format!("{estate} fastighets AB – {}", 1 + round),
    }
}

/// The first name of document `number` in a folder of `topic`.
pub(super) fn document(seed: u64, number: usize, topic: Topic) -> String {
    let roll = mix_all(&[seed, 13, number as u64]);
    let pick = |salt: u64, bound: usize| below(mix(roll ^ salt), bound);
    let year = 2009 + pick(1, 17);
    let one_of = |names: &[&'static str], salt: u64| names[pick(salt, names.len())];
    match topic {
        Topic::Drawing => drawing(&pick, year),
        Topic::Agreement => match pick(3, 3) {
            0 => format!("Hissavtal {year}–{} nr {}.pdf", year + 3, 100 + number),
            1 => format!("Städavtal trapphus {} {year}-{:02}.pdf", 1 + pick(4, 9), 1 + number % 12),
            _ => format!("Ramavtal snöröjning {year}, bilaga {}.txt", 1 + number % 97),
        },
        Topic::Care => match pick(3, 4) {
            0 => format!("Skötselinstruktion FTX-aggregat LB{:02}.pdf", 1 + number % 89),
            1 => format!("Driftkort värmeväxlare VVX{:02} {year}.pdf", 1 + number % 97),
            2 => format!("Mätvärden fjärrvärme {year}-{:02}.csv", 1 + number % 12),
            _ => format!(
                "Egenkontroll {} {year} v{:02}.pdf",
                one_of(&["vind", "källare", "tvättstuga"], 4),
                1 + number % 52
            ),
        },
        Topic::Inspection => {
            let what = one_of(&["OVK-protokoll", "Besiktningsutlåtande hiss", "Radonmätning", "Energideklaration"], 3);
            format!("{what} {year}-{:02}-{:02}.pdf", 1 + number % 12, 1 + pick(4, 28))
        }
        Topic::Economy => match pick(3, 3) {
            0 => format!("Budget {year} rev {}.csv", 1 + number % 31),
            1 => format!("Årsredovisning {year} ({}).pdf", 1 + number % 31),
            _ => format!("Faktura {}-{:05}.pdf", year, number % 100_000),
        },
        Topic::Board => format!("Styrelseprotokoll {year}-{:02}-{:02}.pdf", 1 + pick(3, 12), 1 + number % 28),
        Topic::Various => match pick(3, 3) {
            0 => format!("Skiss {} {year}.svg", 1 + number % 997),
            1 => format!("Anteckning {year}-{:02} nr {}.txt", 1 + pick(4, 12), 1 + number % 997),
            _ => format!("Inskannat {year} sid {:04}.pdf", number % 10_000),
        },
    }
}

fn drawing(pick: &impl Fn(u64, usize) -> usize, year: usize) -> String {
    let trade = ["A", "K", "V", "E", "M"][pick(5, 5)];
    let sheet = 101 + pick(6, 899);
    match pick(7, 8) {
        0 => format!("Situationsplan {trade}-01.{}-{sheet} {year}.svg", 1 + pick(8, 4)),
        1 => format!("Detalj {trade}-60.{}-{sheet}.pdf", 1 + pick(8, 9)),
        2 => format!("Ritningsförteckning {trade} {year}-{sheet}.csv"),
        _ => {
            format!("Relationsritning {trade}-{}.{}-{sheet} plan {}.pdf", 40 + pick(8, 18), 1 + pick(9, 3), pick(10, 9))
        }
    }
}

/// Another name for a document, with the same extension.
pub(super) fn renamed(name: &str, day: u32) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && extension.len() <= 4 => {
            format!("{stem} (omdöpt dag {day}).{extension}")
        }
        _ => format!("{name} (omdöpt dag {day})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_come_before_their_folders() {
        for (at, spec) in FOLDERS.iter().enumerate() {
            assert!(spec.parent.is_none_or(|parent| parent < at), "{}", spec.name);
        }
        assert_eq!(FOLDERS[AWKWARD_FOLDER].name, "Äldre handlingar");
    }

    #[test]
    fn a_new_name_differs_and_keeps_its_extension() {
        assert_eq!(renamed("Budget 2020.csv", 2), "Budget 2020 (omdöpt dag 2).csv");
        assert_eq!(renamed("", 3), " (omdöpt dag 3)");
        assert_eq!(renamed("Brandskydd Hus A.", 2), "Brandskydd Hus A (omdöpt dag 2).");
    }
}
