//! What a run tells while it works.

use std::sync::{Arc, Mutex};

use ibinder_sync::sandbox::{Organisation, Reply, Route};

use crate::program::Program;

/// With this many binders of two documents each.
fn with_binders(count: usize) -> Program {
    let mut o = Organisation::empty();
    for n in 0..count {
        let binder = o.add_binder(&format!("Brf {n}"));
        for name in ["a.txt", "b.txt"] {
            o.add_document(&binder, None, name, format!("bytes {n} {name}")).unwrap();
        }
    }
    Program::new(o)
}

/// Counts requests for totals, and answers them with `reply`.
fn totals(program: &Program, reply: fn() -> Option<Reply>) -> Arc<Mutex<u64>> {
    let asked = Arc::<Mutex<u64>>::default();
    let counter = Arc::clone(&asked);
    program.sandbox.hook(move |request| {
        let is_total = request.route == Route::Search && request.target.contains("pageSize=1&");
        *counter.lock().unwrap() += u64::from(is_total);
        if is_total { reply() } else { None }
    });
    asked
}

#[test]
fn a_first_run_looks_at_the_totals_of_many_binders() {
    for (binders, reply) in [
        (4, (|| None) as fn() -> Option<Reply>),
        (9, || None),
        // They are for the progress only.
        (9, || Some(Reply::problem(400, "Bad"))),
    ] {
        let program = with_binders(binders);
        let asked = totals(&program, reply);
        let report = program.run(&["--json"]).expect(0).json();
        assert_eq!(report["documents"]["added"], 2 * binders);
        // A binder that has begun shows its total anyway.
        let expected = if binders > 4 { 1..=binders as u64 } else { 0..=0 };
        assert!(expected.contains(&asked.lock().unwrap()), "{binders}: {asked:?}");
        *asked.lock().unwrap() = 0;
        program.run(&[]).expect(0);
        assert_eq!(*asked.lock().unwrap(), 0, "the record has them");
    }
}

#[test]
fn binders_and_documents_are_told_if_asked_for() {
    const BINDER: &str = "Brf Eken: 2 documents (1 of 1 binder)\n";
    for (flag, binder, document) in [("-q", false, false), ("-v", true, false), ("-vv", true, true)] {
        let program = Program::with_documents(2);
        let done = program.run(&[flag]).expect(0);
        assert_eq!(done.err.contains(BINDER), binder, "{flag}: {}", done.err);
        assert_eq!(done.err.contains(" added Brf Eken/1.txt\n"), document, "{flag}: {}", done.err);
    }
    let program = Program::mirrored(3);
    program.sandbox.with_organisation(|o| {
        let documents = o.documents();
        o.revise(&documents[0].id, "newer").unwrap();
        o.rename_document(&documents[1].id, "renamed.txt").unwrap();
        o.remove_document(&documents[2].id).unwrap();
    });
    let told = program.run(&["-vv"]).expect(0).err;
    for line in ["replaced Brf Eken/0.txt", "moved Brf Eken/1.txt to Brf Eken/renamed.txt", "removed Brf Eken/2.txt"] {
        assert!(told.contains(&format!(" {line}\n")), "{line}: {told}");
    }
}
