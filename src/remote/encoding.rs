//! Decodes responses that are compressed without having been requested so.
//!
//! A proxy or gateway may compress although the client accepts no encoding. Known encodings are decoded, up to the
//! size limit of all responses.

use std::io::Read;

use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::cause::Cause;

pub(super) fn decode(encoding: &str, body: Bytes, most: usize) -> Result<Bytes, Cause> {
    let mut body = body;
    // Encodings are listed in the order in which they were applied.
    for name in encoding.rsplit(',').map(|name| name.trim().to_ascii_lowercase()) {
        body = match name.as_str() {
            "gzip" | "x-gzip" => all(MultiGzDecoder::new(&*body), most)?,
            "zstd" => all(zstd::Decoder::new(&*body).map_err(|error| broken(&error))?, most)?,
            // "deflate" means zlib; some send the raw stream.
            "deflate" if is_zlib(&body) => all(ZlibDecoder::new(&*body), most)?,
            "deflate" => all(DeflateDecoder::new(&*body), most)?,
            "br" | "compress" | "x-compress" => return Err(Cause::Compressed(name)),
            _ => body,
        };
    }
    Ok(body)
}

fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [first, second, ..] if first & 0x0f == 8 && (u16::from(*first) << 8 | u16::from(*second)) % 31 == 0)
}

fn all(decoder: impl Read, most: usize) -> Result<Bytes, Cause> {
    let mut bytes = Vec::new();
    decoder.take(most as u64 + 1).read_to_end(&mut bytes).map_err(|error| broken(&error))?;
    if bytes.len() > most { Err(Cause::TooLarge(most)) } else { Ok(bytes.into()) }
}

fn broken(error: &std::io::Error) -> Cause {
    Cause::Garbled(format!("decompression failed: {error}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write};

    use super::*;

    const TEXT: &[u8] = br#"{"items":[],"totalCount":0}"#;

    fn gzip(text: &[u8]) -> Bytes {
        let mut encoder = write::GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap().into()
    }

    #[test]
    fn known_encodings_are_decoded() {
        let mut zlib = write::ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(TEXT).unwrap();
        let mut bare = write::DeflateEncoder::new(Vec::new(), Compression::default());
        bare.write_all(TEXT).unwrap();
        let table = [
            ("gzip", gzip(TEXT)),
            ("X-GZIP", gzip(TEXT)),
            ("gzip, gzip", gzip(&gzip(TEXT))),
            ("deflate", zlib.finish().unwrap().into()),
            ("deflate", bare.finish().unwrap().into()),
            ("zstd", zstd::encode_all(TEXT, 3).unwrap().into()),
            ("identity", TEXT.into()),
            ("utf-8", TEXT.into()),
            ("", TEXT.into()),
        ];
        for (encoding, body) in table {
            assert_eq!(decode(encoding, body, 1000).unwrap(), TEXT, "{encoding}");
        }
    }

    #[test]
    fn unknown_broken_and_too_large_bodies_are_refused() {
        assert!(matches!(decode("br", TEXT.into(), 1000), Err(Cause::Compressed(_))));
        assert!(matches!(decode("gzip", TEXT.into(), 1000), Err(Cause::Garbled(_))));
        let bomb = gzip(&vec![b' '; 1 << 20]);
        assert!(matches!(decode("gzip", bomb, 1000), Err(Cause::TooLarge(1000))));
    }
}
