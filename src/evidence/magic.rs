//! Signatures: how files of a kind begin.

use super::{
    look::{Look, trimmed},
    text,
};

/// A signature.
#[derive(Debug, Clone, Copy)]
pub(super) enum Magic {
    /// These bytes at an offset. Short ones, and those at an offset, only count in binary data, since a notice may contain
    /// them.
    At(usize, &'static [u8]),
    /// These characters at the start, ignoring case, leading white space and a byte order mark.
    Text(&'static str),
    /// XML with this root element.
    Element(&'static str),
    /// The header of a PDF, possibly behind other bytes.
    Pdf,
    /// A group code, as at the start of an ASCII DXF.
    GroupCode,
    /// The first line of a STEP file, after comments.
    Step,
    /// A header line of a mail.
    MailHeader,
}

/// What a file extension promises.
pub(super) struct FileKind {
    extensions: &'static [&'static str],
    /// Any of these will do.
    magics: &'static [Magic],
    /// What its files may be without a signature.
    pub(super) unmarked: Unmarked,
}

/// What files of a kind may be that have none of its signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unmarked {
    /// No such files exist.
    Never,
    /// Some programs write other binary formats, but never text.
    Binary,
    /// Programs also export HTML, XML or plain text under these names.
    Text,
}

use Magic::{At, Element, GroupCode, MailHeader, Pdf, Step, Text};

const ZIP: &[Magic] = &[At(0, b"PK\x03\x04"), At(0, b"PK\x05\x06"), At(0, b"PK\x07\x08")];
const OLE: Magic = At(0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");

/// Current office files are zip files, or OLE containers if encrypted; old ones are OLE, and programs save other formats
/// under their names.
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

/// Any image under any image's name, since images are renamed all the time.
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
    marked(&["pdf"], &[Pdf]),
    marked(&["dwg", "dwt", "dws"], &[At(0, b"AC10"), At(0, b"AC1."), At(0, b"AC2."), At(0, b"MC0.")]),
    marked(&["dxf"], &[GroupCode, At(0, b"AutoCAD Binary DXF")]),
    marked(&["dwf"], &[At(0, b"(DWF V"), At(0, b"PK\x03\x04")]),
    marked(&["ifc", "stp", "step"], &[Step]),
    marked(&["rtf"], &[Text("{\\rtf")]),
    marked(
        &[
            "docx", "docm", "dotx", "dotm", "xlsx", "xlsm", "xlsb", "xltx", "xltm", "pptx", "pptm", "ppsx", "potx",
            "vsdx", "vsdm",
        ],
        OFFICE,
    ),
    also_text(&["doc", "dot", "xls", "xlt", "ppt", "pps", "wps"], OFFICE),
    binary(&["mpp"], OFFICE),
    binary(&["vsd", "msg", "rvt", "rfa", "rte", "rft", "max", "sldprt", "sldasm", "pub", "msi"], &[OLE]),
    marked(
        &["zip", "odt", "ods", "odp", "odg", "dwfx", "ifczip", "bcf", "bcfzip", "kmz", "epub", "jar", "3mf", "smc"],
        ZIP,
    ),
    marked(
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
    marked(&["7z"], &[At(0, b"7z\xbc\xaf\x27\x1c")]),
    marked(&["rar"], &[At(0, b"Rar!\x1a\x07")]),
    marked(&["gz", "tgz"], &[At(0, b"\x1f\x8b")]),
    marked(&["bz2", "tbz2"], &[At(0, b"BZh")]),
    marked(&["xz", "txz"], &[At(0, b"\xfd7zXZ\0")]),
    marked(&["zst"], &[At(0, b"\x28\xb5\x2f\xfd")]),
    binary(&["tar"], &[At(257, b"ustar")]),
    marked(&["exe", "dll"], &[At(0, b"MZ")]),
    binary(&["pst", "ost"], &[At(0, b"!BDN")]),
    binary(&["mdb", "accdb"], &[At(4, b"Standard ")]),
    binary(&["las", "laz"], &[At(0, b"LASF")]),
    binary(&["skp"], &[At(0, b"\xff\xfe\xff\x0e")]),
    binary(&["eps", "ps", "ai"], &[At(0, b"%!PS"), At(0, b"\xc5\xd0\xd3\xc6"), Pdf]),
    marked(&["ics"], &[Text("BEGIN:VCALENDAR")]),
    marked(&["vcf"], &[Text("BEGIN:VCARD")]),
    binary(&["e57"], &[At(0, b"ASTM-E57")]),
    binary(&["3dm"], &[At(0, b"3D Geometry File Format")]),
    // Formats with signatures that differ between versions, and that are never text.
    binary(&["dgn", "nwd", "nwc", "nwf", "pln", "pla", "rcp", "rcs", "iso", "shp", "dbf", "ttf"], &[]),
    also_text(&["p7m", "p7s"], &[At(0, b"-----BEGIN"), At(0, b"\x30\x80"), At(0, b"\x30\x82"), At(0, b"\x30\x83")]),
    also_text(&["eml", "mht", "mhtml"], &[MailHeader]),
    also_text(&["svg"], &[Element("svg")]),
];

const fn marked(extensions: &'static [&'static str], magics: &'static [Magic]) -> FileKind {
    FileKind { extensions, magics, unmarked: Unmarked::Never }
}

const fn binary(extensions: &'static [&'static str], magics: &'static [Magic]) -> FileKind {
    FileKind { extensions, magics, unmarked: Unmarked::Binary }
}

const fn also_text(extensions: &'static [&'static str], magics: &'static [Magic]) -> FileKind {
    FileKind { extensions, magics, unmarked: Unmarked::Text }
}

/// What an extension in lower case promises; `None` if its files may begin with anything.
pub(super) fn promised(extension: &str) -> Option<&'static FileKind> {
    KINDS.iter().find(|kind| kind.extensions.contains(&extension))
}

impl FileKind {
    /// Whether bytes begin like this kind; `text` is the same bytes, if they are text.
    pub(super) fn has(&self, sample: &[u8], text: Option<&str>) -> bool {
        self.magics.iter().any(|magic| magic.is_in(sample, text))
    }
}

impl Magic {
    fn is_in(self, sample: &[u8], text: Option<&str>) -> bool {
        match self {
            At(offset, bytes) => {
                let is_enough = text.is_none() || (offset == 0 && (bytes.len() >= 4 || !bytes.is_ascii()));
                is_enough && sample.get(offset..).is_some_and(|rest| rest.starts_with(bytes))
            }
            Text(start) => begins(text.map_or(sample, str::as_bytes), start),
            Element(name) => text.and_then(text::root_element).is_some_and(|root| root == name),
            Pdf => is_pdf(sample, text),
            GroupCode => is_group_code(sample),
            Step => is_step(sample),
            MailHeader => is_mail_header(sample),
        }
    }
}

/// Whether text begins with this, ignoring case.
fn begins(sample: &[u8], start: &str) -> bool {
    let head = trimmed(sample).get(..start.len());
    head.is_some_and(|head| head.eq_ignore_ascii_case(start.as_bytes()))
}

/// `%PDF-` at the start, or Acrobat's old header. Readers also accept it within the first 1,024 bytes; there it must start
/// a line, and in pure text an object must follow, because notices quote the header.
fn is_pdf(sample: &[u8], text: Option<&str>) -> bool {
    const MARK: &[u8] = b"%PDF-";
    let start = trimmed(sample);
    if start.starts_with(MARK) {
        return true;
    }
    let first_line = start.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    if first_line.starts_with(b"%!PS-Adobe-") && contains(first_line, b" PDF-") {
        return true;
    }
    let is_header = |at: usize| {
        let version = &sample[at + MARK.len()..];
        let is_line = at.checked_sub(1).is_none_or(|before| !matches!(sample[before], b' '..=b'~'));
        is_line && matches!(version, [b'0'..=b'9', b'.', b'0'..=b'9', b'\r' | b'\n', ..])
    };
    let found = sample.windows(MARK.len()).enumerate().find(|(at, window)| *window == MARK && is_header(*at));
    let is_quoted = |at: usize| text.is_some() && !contains(&sample[at..], b" obj");
    Look::of(sample, text) != Look::Page && found.is_some_and(|(at, _)| !is_quoted(at))
}

/// `ISO-10303-21`, possibly after comments.
fn is_step(sample: &[u8]) -> bool {
    let mut rest = trimmed(sample);
    while let Some(comment) = rest.strip_prefix(b"/*") {
        // A comment that is longer than the sample hides what follows it.
        let Some(end) = comment.windows(2).position(|pair| pair == b"*/") else { return comment.len() > LONG_COMMENT };
        rest = trimmed(&comment[end + 2..]);
    }
    begins(rest, "ISO-10303-21")
}

/// Length at which a comment counts as filling the sample.
const LONG_COMMENT: usize = 900;

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// A drawing begins with a section, or with comments (999).
fn is_group_code(sample: &[u8]) -> bool {
    let mut lines = trimmed(sample).split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    match (lines.next(), lines.next()) {
        (Some(b"0"), Some(value)) => value.eq_ignore_ascii_case(b"SECTION"),
        (Some(b"999"), Some(value)) => !value.is_empty(),
        _ => false,
    }
}

/// `Name: value` with a header name of mails.
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
