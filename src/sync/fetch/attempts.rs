//! What the tries of one download know, and what the next one asks for.
//!
//! The rest is requested as long as that gets further. A link that refuses it may have expired, and a connection may
//! break: the rest is requested once more. After that the same run requests the whole, and what is held stays until the whole
//! has really come. Where storage contradicts what it announced, the whole is requested at once, and what is held is
//! dropped.

use std::time::Duration;

use crate::{
    model::Sha256,
    remote::{Announced, ErrorKind, Resume},
    state::Partial,
};

/// A try that got this much further than any before is no failure.
const PROGRESS: u64 = 64 * 1024;

/// How many downloads must agree where storage contradicted what it announced.
const AGREEING_AFTER_CONTRADICTION: u32 = 2;

/// What the tries before know.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    /// Kept bytes to go on with.
    pub(crate) partial: Option<Partial>,
    /// Whether the state knows a partial download of this version.
    pub(crate) recorded: bool,
    /// Whether a storage host that is down is waited for.
    pub(crate) urgent: bool,
    /// How long the last try waited until its bytes began to come.
    pub(crate) waited: Duration,
    /// What a download announced that broke off.
    announced: Option<Announced>,
    /// What is asked for.
    range: Range,
    /// What the last request asked for.
    asked: Part,
    /// Whether a link for the whole has been refused already.
    expired: bool,
    /// How many downloads must agree at least.
    needed: u32,
    last: Option<Sha256>,
    agreeing: u32,
    /// How far any try got, and how many bytes all of them brought.
    furthest: u64,
    fetched: u64,
}

/// What of a version a request asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Whole,
    Rest,
}

/// Whether the rest of what is kept is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Range {
    #[default]
    Wanted,
    /// A link has refused it, or it broke off at once.
    Doubted,
    /// The whole is asked for from now on, whatever is kept.
    Whole,
}

/// What comes after a try that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Another request, at once, which costs no try.
    AtOnce,
    /// Another request, at once, which costs a try.
    AtOnceCounted,
    /// Another try, with all tries left, because this one got further than any before.
    Afresh,
    /// Another try, which counts.
    Later,
    /// No more tries.
    Over,
}

impl Attempts {
    /// No tries yet; an urgent download waits for a storage host that is down.
    pub(crate) fn new(urgent: bool) -> Self {
        Self { urgent, ..Self::default() }
    }

    /// How the download goes on, if the rest is asked for; `held` is how many bytes are kept.
    pub(crate) fn resume(&mut self, held: Option<u64>) -> Option<Resume> {
        let rest = self.partial.as_ref().filter(|_| self.range != Range::Whole).zip(held);
        self.asked = if rest.is_some() { Part::Rest } else { Part::Whole };
        let (partial, offset) = rest?;
        let Partial { etag, total, md5, content_type, .. } = partial.clone();
        Some(Resume { offset, announced: Announced { etag: Some(etag), total, md5, content_type } })
    }

    /// Takes what an answer announces. One that contradicts a download that broke off is doubted.
    pub(crate) fn announced(&mut self, announced: &Announced) {
        if self.announced.as_ref().is_some_and(|before| before.contradicted_by(announced).is_some()) {
            self.doubt();
        }
        self.announced = Some(announced.clone());
    }

    /// Only downloads that agree count from now on.
    pub(crate) fn doubt(&mut self) {
        self.needed = AGREEING_AFTER_CONTRADICTION;
        self.agreeing = 0;
    }

    /// Storage contradicts what it announced, by its answer or by how many bytes came. What is held is no longer needed.
    pub(crate) fn after_contradiction(&mut self) -> (Option<Partial>, Next) {
        self.doubt();
        self.range = Range::Whole;
        (self.partial.take(), if self.asked == Part::Rest { Next::AtOnce } else { Next::Later })
    }

    /// No bytes came.
    pub(crate) fn after_refusal(&mut self, kind: ErrorKind) -> Next {
        let resumed = self.asked == Part::Rest;
        match kind {
            ErrorKind::Credentials | ErrorKind::GivenUp | ErrorKind::HostDown | ErrorKind::Configuration => Next::Over,
            ErrorKind::LinkExpired if resumed && self.range == Range::Wanted => {
                self.range = Range::Doubted;
                Next::AtOnce
            }
            _ if resumed => {
                self.range = Range::Whole;
                Next::AtOnce
            }
            // A link may simply have grown old: the first time a new one is asked for at once.
            ErrorKind::LinkExpired if !self.expired => {
                self.expired = true;
                Next::AtOnceCounted
            }
            ErrorKind::LinkExpired => Next::Later,
            _ => Next::Over,
        }
    }

    /// Bytes came up to an offset of a document of this size (if that was announced) and broke off; `kept` is where the
    /// next try can go on.
    ///
    /// A try that got further costs nothing, but only as long as less than twice the size is fetched in all. A rest that
    /// gets no further is requested once more, and then the whole instead.
    pub(crate) fn after_break(&mut self, came: u64, at: u64, kept: u64, total: Option<u64>) -> Next {
        self.fetched = self.fetched.saturating_add(came);
        let begun = at.saturating_sub(came);
        let further = at >= self.furthest.max(begun).saturating_add(PROGRESS);
        self.furthest = self.furthest.max(at);
        if self.asked == Part::Rest {
            self.range = match self.range {
                _ if further => Range::Wanted,
                Range::Wanted => Range::Doubted,
                Range::Doubted | Range::Whole => Range::Whole,
            };
        }
        let size = total.unwrap_or(self.furthest);
        let from = if self.range == Range::Whole { 0 } else { kept };
        let coming = self.fetched.saturating_add(size.saturating_sub(from));
        if further && coming <= size.saturating_mul(2) { Next::Afresh } else { Next::Later }
    }

    /// The whole came, with this hash. Whether that makes enough downloads that agree.
    pub(crate) fn is_enough(&mut self, hash: Sha256, needed: u32) -> bool {
        // The next download needn't match what this one announced.
        self.announced = None;
        self.agreeing = if self.last == Some(hash) { self.agreeing + 1 } else { 1 };
        self.last = Some(hash);
        self.agreeing >= needed.max(self.needed)
    }

    /// How many downloads agreed.
    pub(crate) fn agreeing(&self) -> u32 {
        self.agreeing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partial() -> Partial {
        Partial {
            name: "0/a".to_owned(),
            etag: "\"a\"".to_owned(),
            total: Some(9 << 20),
            md5: None,
            content_type: None,
        }
    }

    fn held() -> Attempts {
        Attempts { partial: Some(partial()), ..Attempts::default() }
    }

    #[test]
    fn a_refused_range_is_asked_for_by_a_new_link_and_then_as_the_whole() {
        for kind in [
            ErrorKind::LinkExpired,
            ErrorKind::NotTheRest,
            ErrorKind::Rejected,
            ErrorKind::Forbidden,
            ErrorKind::MethodNotAllowed,
            ErrorKind::NotFound { problem_json: false },
            ErrorKind::Unavailable,
            ErrorKind::Throttled,
        ] {
            let mut tries = held();
            assert!(tries.resume(Some(5)).is_some());
            if kind == ErrorKind::LinkExpired {
                assert_eq!(tries.after_refusal(kind), Next::AtOnce);
                assert!(tries.resume(Some(5)).is_some(), "a new link first");
            }
            assert_eq!(tries.after_refusal(kind), Next::AtOnce, "{kind:?}");
            assert!(
                tries.resume(Some(5)).is_none() && tries.partial.is_some(),
                "the whole, and the rest is kept: {kind:?}"
            );
            assert_eq!(tries.needed, 0);
        }
    }

    #[test]
    fn a_contradiction_needs_two_downloads_that_agree() {
        let mut tries = held();
        assert!(tries.resume(Some(5)).is_some());
        assert_eq!(tries.after_contradiction(), (Some(partial()), Next::AtOnce));
        assert!(tries.resume(Some(5)).is_none());
        assert_eq!(tries.after_contradiction(), (None, Next::Later), "of the whole it costs a try");
        let (one, other) = (Sha256::new([1; 32]), Sha256::new([2; 32]));
        assert!(!tries.is_enough(one, 1) && !tries.is_enough(other, 1) && tries.is_enough(other, 1));
    }

    #[test]
    fn answers_that_contradict_each_other_are_doubted() {
        let of = |total| Announced { etag: Some("\"a\"".to_owned()), total: Some(total), ..Announced::default() };
        let mut tries = Attempts::default();
        let one = Sha256::new([1; 32]);
        tries.announced(&of(5));
        tries.announced(&of(5));
        assert!(tries.is_enough(one, 1));
        // That one was not believed.
        tries.announced(&of(6));
        assert!(tries.is_enough(one, 1));
        tries.announced(&of(6));
        tries.announced(&of(7));
        assert!(!tries.is_enough(one, 1));
    }

    #[test]
    fn refusals_of_the_whole_and_ends() {
        let mut tries = Attempts::default();
        assert_eq!(tries.after_refusal(ErrorKind::LinkExpired), Next::AtOnceCounted);
        assert_eq!(tries.after_refusal(ErrorKind::LinkExpired), Next::Later);
        for kind in [ErrorKind::Unavailable, ErrorKind::Rejected, ErrorKind::Throttled] {
            assert_eq!(tries.after_refusal(kind), Next::Over, "{kind:?}");
        }
        for size in [Some(5), None] {
            let mut tries = held();
            assert_eq!(tries.resume(size).is_some(), size.is_some());
            assert_eq!(tries.after_refusal(ErrorKind::GivenUp), Next::Over);
        }
    }

    #[test]
    fn a_rest_that_gets_no_further_is_requested_once_more_and_then_the_whole() {
        const KIB: u64 = 1024;
        // How many bytes each rest brings after the first 5 MiB, and whether the rest is still requested after it.
        for breaks in [
            &[(0, true), (0, false)][..],
            &[(10, true), (63 * KIB, false)],
            &[(0, true), (64 * KIB, true), (0, true), (0, false)],
            &[(64 * KIB, true), (64 * KIB, true), (0, true), (10, false)],
        ] {
            let (mut tries, mut at) = (held(), 5 << 20);
            for (came, rest) in breaks {
                assert!(tries.resume(Some(at)).is_some());
                at += came;
                tries.after_break(*came, at, at, Some(9 << 20));
                assert_eq!(tries.resume(Some(at)).is_some(), *rest, "{breaks:?}");
            }
            assert!(tries.partial.is_some(), "what is held stays: {breaks:?}");
        }
        let mut tries = Attempts::default();
        tries.after_break(0, 0, 0, None);
        assert_eq!(tries.range, Range::Wanted, "a whole that breaks says nothing about a rest");
    }

    #[test]
    fn progress_costs_no_try_up_to_twice_the_size() {
        const KIB: u64 = 1024;
        let mut tries = Attempts::default();
        // came, at, kept, total
        assert_eq!(tries.after_break(64 * KIB, 64 * KIB, 64 * KIB, Some(1 << 20)), Next::Afresh);
        assert_eq!(tries.after_break(63 * KIB, 127 * KIB, 127 * KIB, Some(1 << 20)), Next::Later);
        assert_eq!(tries.after_break(64 * KIB, 191 * KIB, 191 * KIB, Some(1 << 20)), Next::Afresh);
        // Each try begins at 0 and gets a little further: that would be fetched by the square.
        let (mut tries, mut afresh) = (Attempts::default(), 0);
        for step in 1..=10_u64 {
            afresh +=
                u64::from(tries.after_break(step * 100 * KIB, step * 100 * KIB, 0, Some(1 << 20)) == Next::Afresh);
        }
        assert!(afresh <= 4, "{afresh}");
        assert_eq!(Attempts::default().after_break(100 * KIB, 100 * KIB, 0, None), Next::Afresh);
    }
}
