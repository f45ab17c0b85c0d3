//! How files of a kind begin.

/// A mark that tells a kind of file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Magic {
    /// These bytes at an offset.
    At(usize, &'static [u8]),
    /// These bytes at the start, after white space and a byte order mark, in any case.
    Text(&'static str),
    /// These bytes anywhere in the sample.
    Within(&'static [u8]),
    /// A group code, as an ASCII DXF begins.
    GroupCode,
    /// A header line of a mail.
    MailHeader,
}

/// What the names of some extensions promise.
pub(super) struct FileKind {
    extensions: &'static [&'static str],
    /// Any of them will do.
    magics: &'static [Magic],
    /// Programs export HTML, XML, RTF or plain text under these names, too.
    pub(super) also_text: bool,
}

use Magic::{At, GroupCode, MailHeader, Text, Within};

const ZIP: &[Magic] = &[At(0, b"PK\x03\x04"), At(0, b"PK\x05\x06"), At(0, b"PK\x07\x08")];
const OLE: Magic = At(0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");

/// Office files of today are zip files, or OLE containers where they are encrypted; the old ones are OLE, and programs
/// save other formats under their names.
const OFFICE: &[Magic] = &[
    At(0, b"PK\x03\x04"),
    At(0, b"PK\x05\x06"),
    At(0, b"PK\x07\x08"),
    OLE,
    Text("{\\rtf"),
    At(0, b"\xdb\xa5\x2d\x00"),
    At(0, b"\x09\x08\x10\x00"),
    At(0, b"\x09\x04\x06\x00"),
    At(0, b"\x09\x02\x06\x00"),
    At(0, b"\x09\x00\x04\x00"),
];

/// Any picture under any picture's name: they are renamed all the time.
const IMAGE: &[Magic] = &[
    At(0, b"\xff\xd8\xff"),
    At(0, b"\x89PNG\r\n\x1a\n"),
    At(0, b"GIF87a"),
    At(0, b"GIF89a"),
    At(0, b"BM"),
    At(0, b"II*\0"),
    At(0, b"MM\0*"),
    At(0, b"II+\0"),
    At(0, b"MM\0+"),
    At(8, b"WEBP"),
    At(4, b"ftyp"),
    At(0, b"8BPS"),
    At(0, b"\0\0\0\x0cjP  "),
    At(0, b"\xff\x4f\xff\x51"),
    At(0, b"\0\0\x01\0"),
];

const MEDIA: &[Magic] = &[
    At(4, b"ftyp"),
    At(4, b"moov"),
    At(4, b"mdat"),
    At(4, b"wide"),
    At(4, b"free"),
    At(0, b"RIFF"),
    At(0, b"\x1a\x45\xdf\xa3"),
    At(0, b"ID3"),
    At(0, b"\xff\xfb"),
    At(0, b"\xff\xf3"),
    At(0, b"\xff\xf2"),
    At(0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
    At(0, b"OggS"),
    At(0, b"fLaC"),
    At(0, b"\0\0\x01\xba"),
    At(0, b"\0\0\x01\xb3"),
];

const KINDS: &[FileKind] = &[
    binary(&["pdf"], &[Within(b"%PDF-")]),
    binary(&["dwg", "dwt", "dws"], &[At(0, b"AC1"), At(0, b"AC2"), At(0, b"MC0")]),
    binary(&["dxf"], &[GroupCode, At(0, b"AutoCAD Binary DXF")]),
    binary(&["dwf"], &[At(0, b"(DWF V"), At(0, b"PK\x03\x04")]),
    binary(&["ifc"], &[Text("ISO-10303-21"), Text("/*")]),
    binary(&["stp", "step"], &[Text("ISO-10303-21"), Text("/*")]),
    binary(&["rtf"], &[Text("{\\rtf")]),
    binary(
        &[
            "docx", "docm", "dotx", "dotm", "xlsx", "xlsm", "xlsb", "xltx", "xltm", "pptx", "pptm", "ppsx", "potx",
            "vsdx", "vsdm",
        ],
        OFFICE,
    ),
    FileKind { extensions: &["doc", "dot", "xls", "xlt", "ppt", "pps", "mpp", "wps"], magics: OFFICE, also_text: true },
    binary(&["vsd", "msg", "rvt", "rfa", "rte", "rft", "max", "sldprt", "sldasm", "pub", "msi"], &[OLE]),
    binary(
        &["zip", "odt", "ods", "odp", "odg", "dwfx", "ifczip", "bcf", "bcfzip", "kmz", "epub", "jar", "3mf", "smc"],
        ZIP,
    ),
    binary(
        &[
            "jpg", "jpeg", "jfif", "jpe", "png", "gif", "bmp", "tif", "tiff", "webp", "heic", "heif", "avif", "psd",
            "jp2", "ico",
        ],
        IMAGE,
    ),
    binary(
        &[
            "mp4", "m4v", "m4a", "mov", "avi", "wav", "mkv", "webm", "mp3", "wmv", "wma", "asf", "ogg", "flac", "mpg",
            "mpeg",
        ],
        MEDIA,
    ),
    binary(&["7z"], &[At(0, b"7z\xbc\xaf\x27\x1c")]),
    binary(&["rar"], &[At(0, b"Rar!\x1a\x07")]),
    binary(&["gz", "tgz"], &[At(0, b"\x1f\x8b")]),
    binary(&["bz2", "tbz2"], &[At(0, b"BZh")]),
    binary(&["xz", "txz"], &[At(0, b"\xfd7zXZ\0")]),
    binary(&["zst"], &[At(0, b"\x28\xb5\x2f\xfd")]),
    binary(&["tar"], &[At(257, b"ustar")]),
    binary(&["exe", "dll"], &[At(0, b"MZ")]),
    binary(&["pst", "ost"], &[At(0, b"!BDN")]),
    binary(&["mdb", "accdb"], &[At(4, b"Standard ")]),
    binary(&["las", "laz"], &[At(0, b"LASF")]),
    binary(&["e57"], &[At(0, b"ASTM-E57")]),
    binary(&["3dm"], &[At(0, b"3D Geometry File Format")]),
    // Formats whose marks differ from version to version, and that are never text.
    binary(
        &["dgn", "nwd", "nwc", "nwf", "skp", "pln", "pla", "rcp", "rcs", "iso", "p7m", "p7s", "shp", "dbf", "ttf"],
        &[],
    ),
    FileKind { extensions: &["eml", "mht", "mhtml"], magics: &[MailHeader], also_text: true },
    FileKind { extensions: &["svg"], magics: &[Text("<svg"), Within(b"<svg")], also_text: true },
];

const fn binary(extensions: &'static [&'static str], magics: &'static [Magic]) -> FileKind {
    FileKind { extensions, magics, also_text: false }
}

/// What an extension in lower case promises; `None` where its files may begin with anything.
pub(super) fn promised(extension: &str) -> Option<&'static FileKind> {
    KINDS.iter().find(|kind| kind.extensions.contains(&extension))
}

impl FileKind {
    /// Whether bytes begin as this kind does.
    pub(super) fn has(&self, sample: &[u8]) -> bool {
        self.magics.iter().any(|magic| magic.is_in(sample))
    }
}

impl Magic {
    fn is_in(self, sample: &[u8]) -> bool {
        match self {
            At(offset, bytes) => sample.get(offset..).is_some_and(|rest| rest.starts_with(bytes)),
            Text(text) => begins(sample, text),
            Within(bytes) => sample.windows(bytes.len()).any(|window| window == bytes),
            GroupCode => is_group_code(sample),
            MailHeader => is_mail_header(sample),
        }
    }
}

/// Whether text begins so, in any case.
pub(super) fn begins(sample: &[u8], text: &str) -> bool {
    let head = trimmed(sample).get(..text.len());
    head.is_some_and(|head| head.eq_ignore_ascii_case(text.as_bytes()))
}

/// Without a byte order mark and white space in front.
pub(super) fn trimmed(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start()
}

/// A first line with a small number, and a second one that is not empty.
fn is_group_code(sample: &[u8]) -> bool {
    let mut lines = trimmed(sample).split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let code = lines.next().is_some_and(|line| (1..=4).contains(&line.len()) && line.iter().all(u8::is_ascii_digit));
    code && lines.next().is_some_and(|line| !line.is_empty())
}

/// `Name: value` with a name that mails have.
fn is_mail_header(sample: &[u8]) -> bool {
    const NAMES: &[&str] = &[
        "received",
        "return-path",
        "delivered-to",
        "from",
        "to",
        "cc",
        "subject",
        "date",
        "message-id",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
        "reply-to",
        "sender",
        "thread-topic",
        "thread-index",
        "importance",
        "dkim-signature",
        "authentication-results",
        "arc-seal",
        "snapshot-content-location",
    ];
    let line = trimmed(sample).split(|byte| *byte == b'\n').next().unwrap_or_default();
    let Some(colon) = line.iter().position(|byte| *byte == b':') else { return false };
    let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
    NAMES.contains(&name.as_str()) || (name.starts_with("x-") && !name.contains(' '))
}
