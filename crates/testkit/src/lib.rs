//! What the tests of the services stand on: a clock that moves when told, seeded randomness, a store in a directory that
//! vanishes (on either engine), stand-ins for Entra ID and Pro Santé Connect, and a client that talks to the real router without a socket.
#![warn(missing_docs)]

mod ambient;
mod card;
mod client;
mod code;
mod entra;
mod mmdb;
mod passkey;
mod postgres;
mod psc;
mod store;
mod trust;

pub use ambient::VirtualClock;
pub use card::{CARD_POLICY, CardAuthority, CardOf, SoftwareCard};
pub use client::{Answer, Client};
pub use code::one_time_code;
pub use entra::{FakeEntra, Subject};
pub use hygie_core::SeededRandom;
pub use mmdb::country_database;
pub use passkey::{Maker, SoftwarePasskey};
pub use postgres::PostgresServer;
pub use psc::{FakePsc, PSC_CLIENT, PSC_SERVICE};
pub use store::{Place, TemporaryStore, TestEngine, accesses, crashed, index_keys};
pub use trust::{FixedKeys, NothingRevoked};
