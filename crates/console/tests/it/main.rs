//! The console over HTTP, before a stand-in for the login host and the directory API.

mod forms;
mod limits;
mod pages;
mod psc;
mod sentences;
mod session;
mod sheets;
mod world;
