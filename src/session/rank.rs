//! The worst of several exit codes (contract: `docs/reference.md`, "Exit codes").

/// The exit codes of runs and of `doctor`, the worst first.
const RUNS: &[u8] = &[1, 8, 3, 2, 143, 130, 7, 6, 4, 9, 5, 0];

/// The exit codes of `status`, the worst first.
const STATUS: &[u8] = &[2, 3, 1, 0];

/// The worst code of runs or `doctor`. Codes that the program never chooses, as after a kill, count as 1.
pub(crate) fn worst_run(codes: &[u8]) -> u8 {
    worst(codes, RUNS, 1)
}

/// The worst code of `status`. Other codes count as unknown (3).
pub(crate) fn worst_status(codes: &[u8]) -> u8 {
    worst(codes, STATUS, 3)
}

fn worst(codes: &[u8], rank: &[u8], odd: u8) -> u8 {
    let known = |code: &u8| if rank.contains(code) { *code } else { odd };
    let place = |code: &u8| rank.iter().position(|ranked| ranked == code);
    codes.iter().map(known).min_by_key(place).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_code_counts() {
        #[rustfmt::skip]
        let table: &[(&[u8], u8)] = &[
            (&[], 0), (&[0, 0], 0), (&[0, 5], 5), (&[5, 9], 9), (&[9, 4], 4), (&[5, 4], 4), (&[4, 6], 6), (&[6, 7], 7), (&[7, 130], 130),
            (&[130, 143], 143), (&[143, 2], 2), (&[2, 3], 3), (&[3, 8], 8), (&[8, 1], 1), (&[0, 101, 8], 1), (&[137], 1),
        ];
        for (codes, code) in table {
            let backward: Vec<u8> = codes.iter().rev().copied().collect();
            assert_eq!((worst_run(codes), worst_run(&backward)), (*code, *code), "{codes:?}");
        }
        for (codes, code) in [(&[0, 0][..], 0), (&[0, 1], 1), (&[1, 3], 3), (&[3, 2], 2), (&[0, 101], 3)] {
            assert_eq!(worst_status(codes), code, "{codes:?}");
        }
    }
}
