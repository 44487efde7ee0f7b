//! Chance that repeats itself, for tests and made-up content; never for secrets.
//!
//! SplitMix64: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014,
//! <https://doi.org/10.1145/2660193.2660195>, with the constants of S. Vigna's `splitmix64.c`,
//! <https://prng.di.unimi.it/splitmix64.c>.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::Random;

/// How far the state goes on for each number.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// The same numbers and bytes for the same seed.
#[derive(Debug)]
pub struct SeededRandom(AtomicU64);

impl SeededRandom {
    /// From this seed.
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// A number by its place among those of a seed. [`SeededRandom::next`] begins with place 0, the reference with place 1.
    pub const fn nth(seed: u64, place: u64) -> u64 {
        mixed(seed.wrapping_add(place.wrapping_mul(GAMMA)))
    }

    /// The next number.
    pub fn next(&self) -> u64 {
        mixed(self.0.fetch_add(GAMMA, Ordering::Relaxed))
    }

    /// The next number, below this end.
    pub fn below(&self, end: u64) -> u64 {
        self.next() % end
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}

const fn mixed(state: u64) -> u64 {
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of the reference for this seed.
    #[test]
    fn the_numbers_are_those_of_the_reference() {
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        let random = SeededRandom::new(1_234_567);
        assert_eq!(random.next(), SeededRandom::nth(1_234_567, 0));
        for (place, number) in (1..).zip(expected) {
            assert_eq!(SeededRandom::nth(1_234_567, place), number);
            assert_eq!(random.next(), number);
        }
    }

    #[test]
    fn bytes_are_those_of_the_numbers() {
        let bytes = crate::random_array::<20>(&SeededRandom::new(1));
        let numbers = [0, 1, 2].map(|place| SeededRandom::nth(1, place).to_le_bytes());
        assert_eq!(bytes, numbers.concat()[..20]);
        assert_ne!(bytes, crate::random_array::<20>(&SeededRandom::new(2)));
    }
}
