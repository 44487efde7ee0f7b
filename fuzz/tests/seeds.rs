//! Every target reads its seeds, and inputs made from them by a few plain changes: what libFuzzer does for an hour,
//! begun. A failure shows the input.

use std::panic::catch_unwind;

use hygie_core::Random;
use hygie_fuzz::{TARGETS, Target};
use hygie_testkit::SeededRandom;

/// Changed inputs of each seed.
const CHANGES: usize = 60;

fn try_all(target: &Target) {
    let random = SeededRandom::new(7);
    let words: Vec<&str> = target.words.split_ascii_whitespace().collect();
    for seed in (target.seeds)() {
        try_one(target, &seed);
        for _ in 0..CHANGES {
            let mut input = seed.clone();
            change(&mut input, &words, &random);
            try_one(target, &input);
        }
    }
}

fn try_one(target: &Target, input: &[u8]) {
    let kept = catch_unwind(|| (target.run)(input)).is_ok();
    assert!(kept, "{}: {:?}", target.name, String::from_utf8_lossy(input));
}

/// One to three changes: a byte, a cut, a word, a piece said twice.
fn change(input: &mut Vec<u8>, words: &[&str], random: &SeededRandom) {
    let draw = |below: usize| {
        let mut bytes = [0; 4];
        random.fill(&mut bytes);
        u32::from_le_bytes(bytes) as usize % below.max(1)
    };
    for _ in 0..=draw(3) {
        let at = draw(input.len() + 1);
        match draw(5) {
            0 if at < input.len() => input[at] = draw(256) as u8,
            0 | 1 => input.truncate(at),
            2 => drop(input.splice(at..at, words[draw(words.len())].bytes())),
            3 => drop(input.splice(at..(at + draw(9)).min(input.len()), words[draw(words.len())].bytes())),
            _ => {
                let piece = input[at..(at + draw(40)).min(input.len())].to_vec();
                input.splice(at..at, piece);
            }
        }
    }
}

macro_rules! tests {
    ($($name:ident)*) => {
        /// The targets that are tried below.
        const TRIED: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                try_all(&hygie_fuzz::$name::TARGET);
            }
        )*
    };
}

tests! { access blob certificate config fhir graph head json jwks oauth odata patch policy primitives psc record redirect resource scopes search token }

#[test]
fn all_targets_are_tried() {
    assert!(TARGETS.iter().all(|target| TRIED.contains(&target.name)));
}
