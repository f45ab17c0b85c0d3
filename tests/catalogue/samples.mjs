// A PDF of one page and a picture, as small as they can be.
import { deflateSync } from "node:zlib";

const OBJECTS = [
  "<</Type/Catalog/Pages 2 0 R>>",
  "<</Type/Pages/Kids[3 0 R]/Count 1>>",
  "<</Type/Page/Parent 2 0 R/MediaBox[0 0 420 595]/Contents 4 0 R/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>",
];
const CONTENT = "BT /F 24 Tf 60 500 Td (Planritning A-40) Tj ET 60 120 300 320 re S 60 280 m 360 280 l S";

function pdf() {
  const objects = [...OBJECTS, `<</Length ${CONTENT.length}>>stream\n${CONTENT}\nendstream`];
  let text = "%PDF-1.4\n";
  const places = objects.map((body, at) => {
    const place = text.length;
    text += `${at + 1} 0 obj${body}endobj\n`;
    return place;
  });
  const table = places.map((place) => `${String(place).padStart(10, "0")} 00000 n \n`).join("");
  return `${text}xref\n0 5\n0000000000 65535 f \n${table}trailer<</Root 1 0 R/Size 5>>\nstartxref\n${text.length}\n%%EOF\n`;
}

function crc(bytes) {
  let value = ~0;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return ~value >>> 0;
}

function chunk(type, body) {
  const out = Buffer.alloc(body.length + 12);
  out.writeUInt32BE(body.length, 0);
  out.write(type, 4, "latin1");
  body.copy(out, 8);
  out.writeUInt32BE(crc(out.subarray(4, -4)), body.length + 8);
  return out;
}

function png(width, height) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const row = (y) => [0, ...Array.from({ length: width }, (_, x) => [90 + x / 2, 140 + y / 3, 200 - x / 4]).flat()];
  const pixels = Buffer.from(
    Array.from({ length: height }, (_, y) => row(y))
      .flat()
      .map(Math.round),
  );
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(pixels)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

export const PDF = pdf();
export const PNG = png(240, 180);
