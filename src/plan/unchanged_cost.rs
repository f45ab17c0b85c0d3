//! How many requests a run needs if nothing has changed.

/// Requests of every run: a token and the list of binders.
const ALWAYS: u64 = 2;

/// A token, the list of binders, the pages of each binder, and the folders that are due. Each binder is its number of
/// documents and its page size; `refreshes` counts requests.
pub fn unchanged_requests(binders: impl IntoIterator<Item = (u64, u32)>, refreshes: u64) -> u64 {
    // An empty binder needs a page, too.
    let pages = binders.into_iter().map(|(documents, page)| documents.div_ceil(u64::from(page.max(1))).max(1));
    // A claimed total may be any number.
    pages.fold(ALWAYS.saturating_add(refreshes), u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted() {
        #[rustfmt::skip]
        let table = [
            // documents, page             refreshes  requests
            (vec![],                        0,         2),
            (vec![(0, 250)],                0,         3),
            (vec![(250, 250), (251, 250)],  0,         5),
            (vec![(1, 250)],                7,         10),
            (vec![(1000, 0)],               0,         1002),
            (vec![(1_000_000, 250)],        400,       4402),
            (vec![(u64::MAX, 1); 2],        1,         u64::MAX),
        ];
        for (binders, refreshes, requests) in table {
            assert_eq!(unchanged_requests(binders.clone(), refreshes), requests, "{binders:?} {refreshes}");
        }
    }
}
