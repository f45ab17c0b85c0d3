// Folds text for comparison: case and accents don't count, except that å, ä, ö, æ and ø are letters of their own.

const BASES = { å: "a", ä: "a", æ: "a", ö: "o", ø: "o" };
const SPELLED = { ß: "ss", œ: "oe", þ: "th", ð: "d", đ: "d", ł: "l", ı: "i" };
const strippedLetters = new Map();

function strip(letter) {
  let plain = strippedLetters.get(letter);
  if (plain === undefined) {
    plain =
      SPELLED[letter] ??
      letter
        .normalize("NFKD")
        .replace(/[\p{Mn}\p{Cf}]/gu, "")
        .toLowerCase();
    strippedLetters.set(letter, plain);
  }
  return plain;
}

// Lower case without accents; å, ä, ö, æ and ø stay.
export function foldLetters(text) {
  return text
    .normalize("NFC")
    .toLowerCase()
    .replace(/[^\x00-\x7fåäöæø]/gu, strip);
}

// Also takes the rings and dots from what foldLetters returned, letter by letter: the length stays.
export function foldBases(letters) {
  return letters.replace(/[åäæöø]/g, (letter) => BASES[letter]);
}

// The words of a query, of which all must match.
export function foldQuery(text) {
  const words = new Set(foldLetters(text).split(/\s+/).filter(Boolean));
  return [...words].map((letters) => ({ letters, bases: foldBases(letters), strict: letters !== foldBases(letters) }));
}

// Where a word is in a folded text: a typed a also finds å and ä, a typed å finds only å. -1 if nowhere.
export function findWord(letters, bases, word, from = 0) {
  let at = bases.indexOf(word.bases, from);
  while (at >= 0 && word.strict && !isSpelled(letters, at, word.letters)) at = bases.indexOf(word.bases, at + 1);
  return at;
}

function isSpelled(letters, at, word) {
  for (let n = 0; n < word.length; n++) if (word[n] in BASES && letters[at + n] !== word[n]) return false;
  return true;
}

// The parts of a text that match one of the words, as [start, end] without overlaps.
export function matchedRanges(text, words) {
  const places = [];
  let letters = "";
  let at = 0;
  // Letters with combining marks fold as one.
  for (const [cluster] of text.matchAll(/\P{M}\p{M}*|\p{M}+/gu)) {
    const folded = foldLetters(cluster);
    for (let n = 0; n < folded.length; n++) places.push([at, at + cluster.length]);
    letters += folded;
    at += cluster.length;
  }
  const bases = foldBases(letters);
  const found = [];
  for (const word of words) {
    for (let hit = findWord(letters, bases, word); hit >= 0; hit = findWord(letters, bases, word, hit + 1)) {
      found.push([places[hit][0], places[hit + word.bases.length - 1][1]]);
    }
  }
  const ranges = [];
  for (const [start, end] of found.sort((a, b) => a[0] - b[0])) {
    const last = ranges[ranges.length - 1];
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else ranges.push([start, end]);
  }
  return ranges;
}
