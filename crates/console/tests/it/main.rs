//! The console over HTTP, before a stand-in for the login host and the directory API.

mod consents;
mod credentials;
mod forms;
mod limits;
mod mails;
mod meanwhile;
mod pages;
mod passwords;
mod psc;
mod restored;
mod risk;
mod sentences;
mod session;
mod settings;
mod sheets;
mod sign_ins;
mod world;
