// What kind of file a name stands for, by its ending, and how it can be previewed.

export const KINDS = ["pdf", "drawing", "image", "text", "table", "slides", "mail", "archive", "web", "other"];
const ENDINGS = {
  pdf: "pdf",
  drawing: "dwg dxf dwf dwfx dgn ifc rvt rfa skp nwd bcf plt",
  image: "png jpg jpeg gif webp bmp avif tif tiff heic heif svg psd ai eps",
  text: "doc docx docm dot dotx odt rtf txt md pages",
  table: "xls xlsx xlsm xlsb ods csv tsv numbers",
  slides: "ppt pptx pptm pps ppsx odp key",
  mail: "msg eml",
  archive: "zip 7z rar tar gz tgz bz2 xz",
  web: "htm html xhtml mht mhtml url",
};
const kindByEnding = new Map(
  Object.entries(ENDINGS).flatMap(([kind, endings]) => endings.split(" ").map((ending) => [ending, kind])),
);
// Only what a browser draws without running anything in it: no SVG, no HTML.
const RASTER = new Set("png jpg jpeg gif webp bmp avif".split(" "));
const RUNNABLE = new Set(
  "htm html xhtml xht mht mhtml svg svgz xml xsl js mjs url lnk exe com bat cmd ps1 vbs vbe jse wsf wsh hta msi scr pif jar app sh desktop docm dotm xlsm xlsb pptm".split(
    " ",
  ),
);

export function endingOf(name) {
  const dot = name.lastIndexOf(".");
  return dot > 0 && name.length - dot <= 9 ? name.slice(dot + 1).toLowerCase() : "";
}

export function kindOf(name) {
  return kindByEnding.get(endingOf(name)) ?? "other";
}

// How a file is previewed: "pdf", "image", or null.
export function previewOf(name) {
  const ending = endingOf(name);
  return ending === "pdf" ? "pdf" : RASTER.has(ending) ? "image" : null;
}

// Whether opening the file may run something in it.
export function mayRun(name) {
  return RUNNABLE.has(endingOf(name));
}
