//! The service's routes, as counters, scripts and faults name them.

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Route {
    /// `POST /connect/token`
    Token,
    /// `GET /api/binders`
    Binders,
    /// `GET /api/binders/{binder}/metadataelements`
    MetadataElements,
    /// `POST /api/documents`
    Search,
    /// `GET /api/documents/{document}`
    Document,
    /// `GET /api/documents/drives/binders/{binder}`
    Drive,
    /// `GET /api/documents/drives/binders/{binder}/folders/{folder}`
    Subfolder,
    /// `GET /api/documents/{document}/versions/{version}/downloadlink`
    DownloadLink,
    /// `GET /api/documents/{document}/versions` or `…/history`; answers 404 unless scripted
    Versions,
    /// A version's bytes, on the storage origin.
    Blob,
}

impl Route {
    /// Every route, in the order of the counters.
    pub const ALL: [Self; 10] = [
        Self::Token,
        Self::Binders,
        Self::MetadataElements,
        Self::Search,
        Self::Document,
        Self::Drive,
        Self::Subfolder,
        Self::DownloadLink,
        Self::Versions,
        Self::Blob,
    ];

    pub(super) fn index(self) -> usize {
        self as usize
    }
}

/// A parsed path on the API origin.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target<'a> {
    Token,
    Binders,
    MetadataElements { binder: &'a str },
    Search,
    Document { document: &'a str },
    Drive { domain: &'a str, binder: &'a str },
    Subfolder { domain: &'a str, binder: &'a str, folder: &'a str },
    DownloadLink { document: &'a str, version: &'a str },
    Versions,
}

impl<'a> Target<'a> {
    /// Parses a path of the API origin.
    pub(super) fn parse(path: &'a str) -> Option<Self> {
        let mut parts = [""; 8];
        let mut count = 0;
        for part in path.strip_prefix('/')?.split('/') {
            *parts.get_mut(count)? = part;
            count += 1;
        }
        Some(match parts[..count] {
            ["connect", "token"] => Self::Token,
            ["api", "binders"] => Self::Binders,
            ["api", "binders", binder, "metadataelements"] => Self::MetadataElements { binder },
            ["api", "documents"] => Self::Search,
            ["api", "documents", document] => Self::Document { document },
            ["api", "documents", "drives", domain, binder] => Self::Drive { domain, binder },
            ["api", "documents", "drives", domain, binder, "folders", folder] => {
                Self::Subfolder { domain, binder, folder }
            }
            ["api", "documents", document, "versions", version, "downloadlink"] => {
                Self::DownloadLink { document, version }
            }
            ["api", "documents", _, "versions" | "history"] => Self::Versions,
            _ => return None,
        })
    }

    pub(super) fn route(&self) -> Route {
        match self {
            Self::Token => Route::Token,
            Self::Binders => Route::Binders,
            Self::MetadataElements { .. } => Route::MetadataElements,
            Self::Search => Route::Search,
            Self::Document { .. } => Route::Document,
            Self::Drive { .. } => Route::Drive,
            Self::Subfolder { .. } => Route::Subfolder,
            Self::DownloadLink { .. } => Route::DownloadLink,
            Self::Versions => Route::Versions,
        }
    }

    /// The only method that the target accepts.
    pub(super) fn method(&self) -> axum::http::Method {
        match self {
            Self::Token | Self::Search => axum::http::Method::POST,
            _ => axum::http::Method::GET,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_apart() {
        assert_eq!(Target::parse("/api/documents"), Some(Target::Search));
        assert_eq!(Target::parse("/api/documents/x"), Some(Target::Document { document: "x" }));
        assert_eq!(
            Target::parse("/api/documents/drives/binders/b/folders/f"),
            Some(Target::Subfolder { domain: "binders", binder: "b", folder: "f" })
        );
        assert_eq!(Target::parse("/api/documents/x/versions"), Some(Target::Versions));
        assert_eq!(Target::parse("/a/b/c/d/e/f/g/h/i/j"), None);
        assert_eq!(Target::parse("documents"), None);
    }

    #[test]
    fn every_route_has_its_own_index() {
        for (at, route) in Route::ALL.into_iter().enumerate() {
            assert_eq!(route.index(), at);
        }
    }
}
