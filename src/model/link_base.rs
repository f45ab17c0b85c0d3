//! Where links into the mirror lead.

use std::{fmt::Write as _, path::Path};

use serde::{Deserialize, Serialize};

/// What is wrong with a text that is none.
const WANTED: &str = "it is a path, a URL that begins with https://, http:// or file:// and has neither `?` nor `#`, or a share such as \\\\server\\mirror";

/// The address of the mirror's folder, as the beginning of links: a URL, or the beginning of a relative one. It ends with a slash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkBase(String);

impl LinkBase {
    /// Reads a URL, a share or drive of Windows, or a path. Nothing else begins a link, least of all a script.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() || text.contains(char::is_control) {
            return Err(WANTED.to_owned());
        }
        let path = text.replace('\\', "/");
        if let Some(share) = path.strip_prefix("//") {
            return Ok(Self::folder(format!("file://{}", escaped(share))));
        }
        if path.as_bytes().get(1) == Some(&b':') && path.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Ok(Self::folder(format!("file:///{}", escaped(&path))));
        }
        let first = text.split('/').next().unwrap_or_default();
        match first.split_once(':') {
            None => Ok(Self::folder(escaped(&path))),
            Some((scheme, "")) if is_scheme(scheme) && text[first.len()..].starts_with("//") => {
                if text.contains(['?', '#', '"', '<', '>', ' ']) {
                    return Err(WANTED.to_owned());
                }
                Ok(Self::folder(text.replacen(scheme, &scheme.to_ascii_lowercase(), 1)))
            }
            Some(_) => Err(WANTED.to_owned()),
        }
    }

    /// A folder of the disk; a relative one is below the folder of the file that has the links.
    pub fn of_folder(path: &Path) -> Self {
        let mut text = String::new();
        for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
            text.push_str(&escaped(chunk.valid()));
            for byte in chunk.invalid() {
                // Writing to a text never fails.
                let _ = write!(text, "%{byte:02X}");
            }
        }
        // Else the part before a colon would be a scheme.
        Self::folder(if text.split('/').next().is_some_and(|first| first.contains(':')) {
            format!("./{text}")
        } else {
            text
        })
    }

    fn folder(mut text: String) -> Self {
        if !text.ends_with('/') {
            text.push('/');
        }
        Self(text)
    }

    /// The beginning.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_scheme(text: &str) -> bool {
    ["https", "http", "file"].iter().any(|scheme| text.eq_ignore_ascii_case(scheme))
}

/// A path in a link. Letters of all scripts stay: spreadsheets read their bytes in an alphabet of their own.
pub fn escaped(path: &str) -> String {
    let mut out = String::with_capacity(path.len() + path.len() / 8);
    for c in path.chars() {
        let stays = !c.is_ascii() || c.is_ascii_alphanumeric() || "-._~/:!$&'()*+,;=@".contains(c);
        if stays {
            out.push(c);
        } else {
            // Writing to a text never fails.
            let _ = write!(out, "%{:02X}", u32::from(c));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_a_url_a_share_or_a_path() {
        for (text, base) in [
            ("https://files.example.com/a%20b", Some("https://files.example.com/a%20b/")),
            (" HTTPS://x ", Some("https://x/")),
            ("file:///srv/mirror/", Some("file:///srv/mirror/")),
            (r"\\server\rit ningar", Some("file://server/rit%20ningar/")),
            ("//server/share/", Some("file://server/share/")),
            (r"S:\mirror", Some("file:///S:/mirror/")),
            ("../spegel å", Some("../spegel%20å/")),
            ("/srv/100%", Some("/srv/100%25/")),
            (r"..\mirror", Some("../mirror/")),
            ("a/b:c", Some("a/b:c/")),
            ("javascript:alert(1)", None),
            ("javascript://x/%0aalert(1)", None),
            ("data:text/html,x", None),
            ("ftp://x", None),
            ("https:x", None),
            ("https://x/?q=", None),
            ("https://x/#", None),
            ("https://x/\"><script>", None),
            ("a\nb", None),
            ("", None),
        ] {
            assert_eq!(LinkBase::parse(text).ok().map(|base| base.0).as_deref(), base, "{text:?}");
        }
    }

    #[test]
    fn a_folder_of_the_disk_is_a_base() {
        use std::os::unix::ffi::OsStrExt as _;
        for (path, base) in [
            (&b"../mirror"[..], "../mirror/"),
            (b"a:b/c", "./a:b/c/"),
            ("sp\u{e4}r #1?\\".as_bytes(), "sp\u{e4}r%20%231%3F%5C/"),
            (b"caf\xe9", "caf%E9/"),
        ] {
            assert_eq!(LinkBase::of_folder(Path::new(std::ffi::OsStr::from_bytes(path))).0, base);
        }
    }
}
