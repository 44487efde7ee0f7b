//! The directory API, with the surface of Microsoft Graph v1.0. Its objects are read and changed.
//! <https://learn.microsoft.com/graph/api/overview>
//!
//! - `http`: one file per collection: who may, which objects, answer.
//! - `http::authority`: who may change what, in one table.
//! - `hygie-graph-entity`: the objects as Graph shows them, and what requests change of them.
//! - `hygie-odata`: query options, as pure decisions.
//!
//! Every route takes a token of a tenant of our identity provider for the directory API, and shows that tenant's objects.
//!
//! To add a collection: its type and JSON in `hygie-graph-entity`, its file in `http`, its lines in [`router`], its permissions in
//! `hygie_directory`, its story in `tests/it`, its line in `docs/conformance/graph.md`.
#![warn(missing_docs)]

mod error;
mod http;

use std::sync::Arc;

use hygie_access::{Authenticator, Issuers, KeySource};
use hygie_directory::{DIRECTORY_API, DIRECTORY_API_NAMES, Directory};
use hygie_means::Means;

use hygie_graph_entity as entity;

pub use error::GraphFault;
pub use http::{cors, normal, router};

/// Bytes of a request: revocation lists are sent in base64, of 20 MiB at most. Only their address takes so many; those of
/// terms of use take 8 MiB, a batch 4 MiB, all others 1 MiB.
pub const MAX_BODY: usize = 28 << 20;

/// What the directory API needs.
pub struct Deps {
    /// The directory.
    pub directory: Directory,
    /// The means of identification of its people.
    pub means: Means,
    /// Its own address, without a final slash (`https://graph.example`).
    pub base: String,
    /// Address of the login host, without a final slash.
    pub login: String,
    /// Keys of our identity provider.
    pub keys: Arc<dyn KeySource>,
}

/// The directory API. Cheap to clone.
#[derive(Clone)]
pub struct Graph(Arc<Inner>);

struct Inner {
    directory: Directory,
    means: Means,
    base: String,
    login: String,
    authenticator: Authenticator,
}

impl Graph {
    /// Over this directory.
    pub fn new(deps: Deps) -> Self {
        let login = deps.login.clone();
        let names = DIRECTORY_API_NAMES.iter().map(|&name| name.to_owned());
        let authenticator = Authenticator::new(
            [deps.base.clone()].into_iter().chain(names),
            Some(DIRECTORY_API),
            &format!("{}/organizations", deps.login),
            Issuers::OwnTenants {
                login: deps.login,
                keys: deps.keys,
            },
            Arc::new(deps.directory.clone()),
        );
        Self(Arc::new(Inner {
            directory: deps.directory,
            means: deps.means,
            base: deps.base,
            login,
            authenticator,
        }))
    }

    fn means(&self) -> &Means {
        &self.0.means
    }

    fn directory(&self) -> &Directory {
        &self.0.directory
    }
}
