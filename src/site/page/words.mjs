// Every word that the page shows, in English and Swedish. {0} stands for a value.

const ENGLISH = {
  title: "Documents", skip: "Skip to the content", language: "Language", home: "Binders", changes: "Changes", missing: "Missing",
  missingCount: "Missing ({0})",
  search: "Search documents", searchHint: "Search by name, folder, status …",
  loading: "Loading …", footer: "Written by {0} on {1}.",
  noData: "The list of documents can't be read",
  noDataHelp: "The page needs the folder “index-data” beside it. If you copied only index.html, copy the folder too. If the copy was just updated, reload the page.",
  newFormat: "This page is older than its data. Reload the page.",
  // The copy's state
  complete: "Complete copy", completeText: "Everything that iBinder had on {0} is here.",
  notComplete: "Not quite complete", notCompleteText: "Updated on {0}, but not everything could be copied. Last complete on {1}.",
  neverComplete: "Not complete yet", neverCompleteText: "Updated on {0}. This copy has not been complete so far.",
  whatIsMissing: "See what is missing",
  documents: ["{0} document", "{0} documents"], binders: ["{0} binder", "{0} binders"], hits: ["{0} hit", "{0} hits"],
  documentsTile: ["document", "documents"], bindersTile: ["binder", "binders"], sizeTile: "in total", recentTile: ["change in the last 7 days", "changes in the last 7 days"],
  binder: "Binder", documentsColumn: "Documents", size: "Size", mirrored: "Last updated", certified: "Complete as of", never: "never",
  inaccessible: "no access since {0}",
  binderPages: "Open a binder to search in it.",
  // Results
  everything: "All documents", hitsTitle: "Search results for “{0}”", noHits: "No documents found",
  noHitsHelp: "Check the spelling, use fewer words, or remove a filter.", clearAll: "Clear all filters",
  searching: "Searched {0} of {1} documents …", unreadable: "Some of the data can't be read, so the result may not be complete. Reload the page.",
  firstOnly: "The list shows the first {0}. Search for more words or choose a filter to see the rest.",
  sort: "Sort by", best: "Best match", place: "Place", name: "Name", newest: "Newest first", oldest: "Oldest first", largest: "Largest first",
  filters: "Filters", folder: "Folder", tab: "Tab", category: "Category", status: "Status", type: "Type", date: "Date", from: "From", to: "To",
  allFolders: "All folders", foldersIn: "Folders in {0}", more: "Show more", less: "Show fewer", remove: "Remove filter: {0}", matchingBinders: "Binders with this name:",
  results: "Documents", countingFolders: "Counting folders …",
  // Kinds of files
  kind_pdf: "PDF", kind_drawing: "Drawing or model", kind_image: "Picture", kind_text: "Text document", kind_table: "Spreadsheet",
  kind_slides: "Presentation", kind_mail: "E-mail", kind_archive: "Archive (zip)", kind_web: "Web page", kind_other: "Other",
  // A document
  open: "Open", openFile: "Open the document", openFileNamed: "Open {0}", openFolder: "Open its folder", copyLink: "Copy link", copied: "Copied", copy: "Copy",
  copyFailed: "Select the text and copy it", close: "Close", ownPage: "Show as a page", back: "Back to the list",
  about: "About the document", nameInIbinder: "Name in iBinder", modified: "Modified", identity: "Id in iBinder", preview: "Preview",
  noPreview: "No preview in this browser.", largePreview: "Show preview ({0})",
  runs: "Opening this file may run a program or a script in it. Open it only if you trust whoever made it.",
  noLink: "This file's name can't be a link. Look for it in the folder.",
  versions: "Versions", seen: "Copied on", fingerprint: "SHA-256", held: "Kept", current: "in the folder", yes: "kept", no: "no longer kept",
  onlyVersion: "There is one version, the one in the folder.", noVersions: "Nothing is noted here about versions.",
  getBack: "Get it back", getBackTitle: "Get this version back",
  getBackHelp: "Send this line to whoever looks after the copy. It puts the version into a new folder and changes nothing else.",
  getBackFolder: "restored", theMirror: "FOLDER-OF-THE-COPY",
  findingDocument: "Looking for the document: {0} of {1} …", notFound: "This document is not in the copy",
  notFoundHelp: "It may have been removed or moved to a binder that you can't see. Search for its name, or look at the changes.",
  // Changes
  changesTitle: "What has changed", lastRuns: "Latest updates", lastWeek: "7 days", lastMonth: "31 days", period: "Period", allBinders: "All binders",
  noChanges: "Nothing has changed in this period.", added: "New", updated: "New version", moved: "Moved or renamed", removed: "Removed",
  addedCount: ["{0} new", "{0} new"], updatedCount: ["{0} new version", "{0} new versions"], movedCount: ["{0} moved", "{0} moved"],
  removedCount: ["{0} removed", "{0} removed"], movedFrom: "was {0}",
  showAll: "Show all {0}", removedNames: "The names of removed documents are not shown here.",
  // What is missing
  missingTitle: "What is missing", nothingMissing: "Nothing is missing",
  nothingMissingText: "Everything that iBinder listed was copied.",
  gap_failed: "Could not be copied", gap_failed_text: "iBinder lists these documents, but they could not be downloaded. An earlier version, if there was one, is still here. The next update tries again.",
  gap_withheld: "Missing in iBinder, kept here", gap_withheld_text: "iBinder no longer lists these documents. They stay here until whoever looks after the copy confirms that they were removed on purpose.",
  gap_inaccessible: "Binders without access", gap_inaccessible_text: "iBinder no longer lets the copy read these binders. What was copied before is still here, but is not updated.",
  gap_uncertified: "Perhaps not all listed", gap_uncertified_text: "iBinder's list of these binders did not add up, so a document may be missing. Nothing was removed. The next update checks again.",
  gap_unread: "Binders that could not be read", gap_unread_text: "The last update could not read these binders. What was copied before is still here. The next update tries again.",
  gap_acknowledged: "Missing, and accepted", gap_acknowledged_text: "These documents can't be downloaded from iBinder. Somebody has looked at them and accepted that.",
  gap_without_version: "Without a file", gap_without_version_text: "iBinder lists these documents, but they have no file yet.",
  gap_filtered: "Left out on purpose", gap_filtered_text: "The settings of the copy leave these documents out.",
  gap_purged: "Erased on purpose", gap_purged_text: "These documents were erased from the copy, and are not copied again.",
  gap_interrupted: "The last update was interrupted", gap_interrupted_text: "It did not come to its end. The next update goes on from there.",
  gap_other: "Something else ({0})", gap_other_text: "Ask whoever looks after the copy.",
  inBinders: ["Binder:", "Binders:"],
};

const SWEDISH = {
  title: "Dokument", skip: "Hoppa till innehållet", language: "Språk", home: "Pärmar", changes: "Ändringar", missing: "Saknas",
  missingCount: "Saknas ({0})",
  search: "Sök dokument", searchHint: "Sök på namn, mapp, status …",
  loading: "Läser in …", footer: "Skapad av {0} den {1}.",
  noData: "Det går inte att läsa listan över dokument",
  noDataHelp: "Sidan behöver mappen ”index-data” bredvid sig. Om du bara kopierade index.html, kopiera mappen också. Om kopian just har uppdaterats, ladda om sidan.",
  newFormat: "Sidan är äldre än sina data. Ladda om sidan.",
  complete: "Komplett kopia", completeText: "Allt som fanns i iBinder den {0} finns här.",
  notComplete: "Inte helt komplett", notCompleteText: "Uppdaterad den {0}, men allt gick inte att kopiera. Senast komplett den {1}.",
  neverComplete: "Inte komplett ännu", neverCompleteText: "Uppdaterad den {0}. Kopian har hittills inte varit komplett.",
  whatIsMissing: "Se vad som saknas",
  documents: ["{0} dokument", "{0} dokument"], binders: ["{0} pärm", "{0} pärmar"], hits: ["{0} träff", "{0} träffar"],
  documentsTile: ["dokument", "dokument"], bindersTile: ["pärm", "pärmar"], sizeTile: "totalt", recentTile: ["ändring de senaste 7 dagarna", "ändringar de senaste 7 dagarna"],
  binder: "Pärm", documentsColumn: "Dokument", size: "Storlek", mirrored: "Senast uppdaterad", certified: "Komplett per", never: "aldrig",
  inaccessible: "ingen åtkomst sedan {0}",
  binderPages: "Öppna en pärm för att söka i den.",
  everything: "Alla dokument", hitsTitle: "Sökresultat för ”{0}”", noHits: "Inga dokument hittades",
  noHitsHelp: "Kontrollera stavningen, använd färre ord eller ta bort ett filter.", clearAll: "Rensa alla filter",
  searching: "Har sökt i {0} av {1} dokument …", unreadable: "En del av uppgifterna går inte att läsa, så resultatet är kanske inte fullständigt. Ladda om sidan.",
  firstOnly: "Listan visar de första {0}. Sök på fler ord eller välj ett filter för att se resten.",
  sort: "Sortera efter", best: "Bästa träff", place: "Plats", name: "Namn", newest: "Nyast först", oldest: "Äldst först", largest: "Störst först",
  filters: "Filter", folder: "Mapp", tab: "Flik", category: "Kategori", status: "Status", type: "Typ", date: "Datum", from: "Från", to: "Till",
  allFolders: "Alla mappar", foldersIn: "Mappar i {0}", more: "Visa fler", less: "Visa färre", remove: "Ta bort filter: {0}", matchingBinders: "Pärmar med det namnet:",
  results: "Dokument", countingFolders: "Räknar mappar …",
  kind_pdf: "PDF", kind_drawing: "Ritning eller modell", kind_image: "Bild", kind_text: "Textdokument", kind_table: "Kalkylblad",
  kind_slides: "Presentation", kind_mail: "E-post", kind_archive: "Arkiv (zip)", kind_web: "Webbsida", kind_other: "Övrigt",
  open: "Öppna", openFile: "Öppna dokumentet", openFileNamed: "Öppna {0}", openFolder: "Öppna mappen", copyLink: "Kopiera länk", copied: "Kopierat", copy: "Kopiera",
  copyFailed: "Markera texten och kopiera den", close: "Stäng", ownPage: "Visa som egen sida", back: "Tillbaka till listan",
  about: "Om dokumentet", nameInIbinder: "Namn i iBinder", modified: "Ändrat", identity: "Id i iBinder", preview: "Förhandsvisning",
  noPreview: "Webbläsaren kan inte förhandsvisa filen.", largePreview: "Visa förhandsvisning ({0})",
  runs: "Filen kan innehålla program eller skript som körs när den öppnas. Öppna den bara om du litar på den som gjort den.",
  noLink: "Filens namn går inte att länka till. Leta efter den i mappen.",
  versions: "Versioner", seen: "Kopierad", fingerprint: "SHA-256", held: "Finns kvar", current: "i mappen", yes: "finns kvar", no: "finns inte kvar",
  onlyVersion: "Det finns en version, den i mappen.", noVersions: "Inget är antecknat här om versioner.",
  getBack: "Få tillbaka", getBackTitle: "Få tillbaka den här versionen",
  getBackHelp: "Skicka den här raden till den som sköter kopian. Den lägger versionen i en ny mapp och ändrar inget annat.",
  getBackFolder: "återställt", theMirror: "KOPIANS-MAPP",
  findingDocument: "Letar efter dokumentet: {0} av {1} …", notFound: "Dokumentet finns inte i kopian",
  notFoundHelp: "Det kan ha tagits bort eller flyttats till en pärm som du inte ser. Sök på namnet eller titta bland ändringarna.",
  changesTitle: "Vad som har ändrats", lastRuns: "Senaste uppdateringarna", lastWeek: "7 dagar", lastMonth: "31 dagar", period: "Period", allBinders: "Alla pärmar",
  noChanges: "Inget har ändrats under perioden.", added: "Ny", updated: "Ny version", moved: "Flyttad eller omdöpt", removed: "Borttagen",
  addedCount: ["{0} ny", "{0} nya"], updatedCount: ["{0} ny version", "{0} nya versioner"], movedCount: ["{0} flyttad", "{0} flyttade"],
  removedCount: ["{0} borttagen", "{0} borttagna"], movedFrom: "var {0}",
  showAll: "Visa alla {0}", removedNames: "Namnen på borttagna dokument visas inte här.",
  missingTitle: "Vad som saknas", nothingMissing: "Inget saknas",
  nothingMissingText: "Allt som iBinder visade är kopierat.",
  gap_failed: "Gick inte att kopiera", gap_failed_text: "Dokumenten finns i iBinder men gick inte att ladda ner. Om det fanns en tidigare version finns den kvar här. Nästa uppdatering försöker igen.",
  gap_withheld: "Saknas i iBinder, finns kvar här", gap_withheld_text: "iBinder visar inte längre de här dokumenten. De ligger kvar här tills den som sköter kopian bekräftar att de togs bort med avsikt.",
  gap_inaccessible: "Pärmar utan åtkomst", gap_inaccessible_text: "iBinder låter inte längre kopian läsa de här pärmarna. Det som redan är kopierat finns kvar men uppdateras inte.",
  gap_uncertified: "Kanske inte allt med", gap_uncertified_text: "iBinders lista över de här pärmarna gick inte ihop, så något dokument kan saknas. Inget togs bort. Nästa uppdatering kontrollerar igen.",
  gap_unread: "Pärmar som inte gick att läsa", gap_unread_text: "Den senaste uppdateringen kunde inte läsa de här pärmarna. Det som redan är kopierat finns kvar. Nästa uppdatering försöker igen.",
  gap_acknowledged: "Saknas, och det är godtaget", gap_acknowledged_text: "De här dokumenten går inte att ladda ner från iBinder. Någon har tittat på dem och godtagit det.",
  gap_without_version: "Utan fil", gap_without_version_text: "Dokumenten finns i iBinder men har ingen fil ännu.",
  gap_filtered: "Utelämnade med avsikt", gap_filtered_text: "Kopians inställningar utelämnar de här dokumenten.",
  gap_purged: "Raderade med avsikt", gap_purged_text: "Dokumenten har raderats ur kopian och kopieras inte igen.",
  gap_interrupted: "Senaste uppdateringen avbröts", gap_interrupted_text: "Den kom inte till slutet. Nästa uppdatering fortsätter därifrån.",
  gap_other: "Något annat ({0})", gap_other_text: "Fråga den som sköter kopian.",
  inBinders: ["Pärm:", "Pärmar:"],
};

export const LANGUAGES = { sv: SWEDISH, en: ENGLISH };
let language = "en";

export function useLanguage(code) {
  language = code;
}

export function currentLanguage() {
  return language;
}

// The first of the reader's languages that the page has.
export function chooseLanguage(wanted) {
  return wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find((code) => code in LANGUAGES) ?? "en";
}

export function say(key, ...values) {
  const text = LANGUAGES[language][key];
  return fill(Array.isArray(text) ? text[1] : text, values);
}

// A text that depends on a number; `shown` is the number as it is written.
export function sayCount(key, number, shown) {
  return fill(LANGUAGES[language][key][number === 1 ? 0 : 1], [shown]);
}

export function hasWords(key) {
  return Object.prototype.hasOwnProperty.call(LANGUAGES[language], key);
}

function fill(text, values) {
  return text.replace(/\{(\d)\}/g, (_, n) => values[Number(n)]);
}
