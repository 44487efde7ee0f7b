//! What is made up is drawn from chance that repeats itself.

use hygie_core::SeededRandom;
use uuid::Uuid;

/// Chance from a seed.
#[derive(Clone, Debug)]
pub struct Seeded {
    seed: u64,
    /// How many numbers it gave.
    given: u64,
}

impl Seeded {
    /// A generator of its own for the thing of this number, independent of those of other numbers.
    pub const fn of(seed: u64, number: u64) -> Self {
        let seed = SeededRandom::nth(SeededRandom::nth(seed, 0) ^ number, 0);
        Self { seed, given: 0 }
    }

    fn next(&mut self) -> u64 {
        self.given += 1;
        SeededRandom::nth(self.seed, self.given)
    }

    /// A number of the range, both ends included.
    pub fn between(&mut self, low: u32, high: u32) -> u32 {
        debug_assert!(low <= high, "a range has its ends in order");
        let span = u64::from(high - low) + 1;
        low + (self.next() % span) as u32
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, percent: u32) -> bool {
        self.between(1, 100) <= percent
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let at = self.between(0, (of.len() - 1) as u32);
        &of[at as usize]
    }

    /// Around `middle`, at most `spread` away, the middle more often; with one decimal.
    pub fn around(&mut self, middle: f64, spread: f64) -> f64 {
        let steps = f64::from(self.between(0, 1000) + self.between(0, 1000)) / 1000.0 - 1.0;
        ((middle + steps * spread) * 10.0).round() / 10.0
    }

    /// A random UUID.
    pub fn uuid(&mut self) -> Uuid {
        let (high, low) = (self.next(), self.next());
        let bytes = ((u128::from(high) << 64) | u128::from(low)).to_be_bytes();
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }
}
