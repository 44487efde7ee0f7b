//! The identity provider of an establishment without its endpoints and pages, which are in `hygie_idp`: who is signed
//! in, what policies say to it, and the tokens that follow.
//!
//! - [`signin`]: passwords, throttles, sessions of browsers, admission by policies. [`token`]: grants, claims, responses.
//! - [`keys`]: signing keys and their rotation.
//!
//! What the protocols decide is in `hygie_oidc`, what is kept and administered in `hygie_directory`; here it is loaded,
//! saved and signed.
#![warn(missing_docs)]

mod error;
pub mod keys;
mod signers;
pub mod signin;
pub mod token;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use hygie_access::{KeySource, KeysUnavailable, Outgoing};
use hygie_core::{Clock, Cx, Random};
use hygie_directory::Directory;
use hygie_directory::repo::Global;
use hygie_jose::{Jwks, KeySet, Keyed};
use hygie_means::Means;
use hygie_oidc::Version;
use hygie_oidc::discovery::Provider;
use hygie_store::Store;
use hygie_web::csrf::Csrf;

pub use error::IdpError;
pub use keys::Rotation;
pub use signin::certificate::Certauth;
pub use token::{Exchanges, PscClient, TrustedPsc};

/// Wrong user codes of an address in ten minutes: many more than a ward mistypes, and nothing against 38 bits.
const USER_CODES: u32 = 60;

/// What the identity provider needs.
pub struct Deps {
    /// The directory.
    pub directory: Directory,
    /// The means of identification beside passwords, of the same directory and login host.
    pub means: Means,
    /// Base URL of the login host (`https://login.example`), without a final slash; the provider is at its directory.
    pub login: String,
    /// Base URL of the directory API, where it is served.
    pub graph: Option<String>,
    /// Base URL of the token endpoint for clients with a certificate, where there is one.
    pub back_channel: Option<String>,
    /// The host that asks people for certificates, where there is one.
    pub certauth: Option<Certauth>,
    /// Whose tokens are exchanged for ours, if any are.
    pub exchanges: Option<Exchanges>,
    /// What the issuers are asked by whose tokens applications prove themselves with; without it, none is.
    pub outgoing: Option<Outgoing>,
    /// Threads that sign: the number of cores.
    pub workers: usize,
}

/// The identity provider. Cheap to clone.
#[derive(Clone)]
pub struct Idp(Arc<Inner>);

pub(crate) struct Inner {
    pub directory: Directory,
    pub means: Means,
    /// The database, clock and randomness of the directory.
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub provider: Provider,
    pub certauth: Option<Certauth>,
    pub signer: keys::Signer,
    pub digests: Digests,
    pub csrf: Csrf,
    pub throttle: signin::throttle::Throttle,
    /// Requests of devices, and wrong codes that people type for them.
    pub devices: signin::throttle::Throttle,
    pub user_codes: signin::throttle::Throttle,
    /// Wrong headers of workloads.
    pub workload_headers: signin::throttle::Throttle,
    /// What clients and people may do only so often.
    pub limits: signin::limits::Limits,
    pub known: token::known::KnownParties,
    /// What applications did by themselves, until it is written.
    pub app_log: signin::app_log::AppLog,
    pub exchanges: Option<Exchanges>,
    /// Issuers of federated credentials.
    pub issuers: token::federated::Issuers,
}

/// Keys of what is stored as a digest, one per purpose.
pub(crate) struct Digests {
    pub codes: Keyed,
    pub refreshes: Keyed,
    pub devices: Keyed,
    pub user_codes: Keyed,
    pub browsers: Keyed,
    pub password_marks: Keyed,
    /// Browsers that people signed in from.
    pub familiar: Keyed,
    /// Seals of tickets for the host that asks for certificates.
    pub tickets: Keyed,
    /// What comes back from there.
    pub handovers: Keyed,
}

impl Idp {
    /// Over this store; makes the first signing keys when there are none.
    pub async fn open(deps: Deps) -> Result<Self, IdpError> {
        let provider = Provider {
            login: deps.login.clone(),
            graph: deps.graph.clone(),
            back_channel: deps.back_channel.clone(),
        };
        let directory = deps.directory.clone();
        let inner = Inner {
            signer: keys::Signer::open(&deps, &provider).await?,
            digests: Digests {
                codes: directory.derive("codes"),
                refreshes: directory.derive("refresh tokens"),
                devices: directory.derive("device codes"),
                user_codes: directory.derive("user codes"),
                browsers: directory.derive("browsers"),
                password_marks: directory.derive(hygie_directory::PASSWORD_MARKS),
                familiar: directory.derive("familiar browsers"),
                tickets: directory.derive("tickets for certificates"),
                handovers: directory.derive("hand-overs of certificates"),
            },
            certauth: deps.certauth,
            csrf: Csrf::new(&directory.secret("forms")),
            throttle: signin::throttle::Throttle::default(),
            devices: signin::throttle::Throttle::default(),
            user_codes: signin::throttle::Throttle::new(USER_CODES),
            workload_headers: signin::throttle::Throttle::default(),
            limits: signin::limits::Limits::default(),
            known: token::known::KnownParties::default(),
            app_log: signin::app_log::AppLog::default(),
            exchanges: deps.exchanges,
            issuers: token::federated::Issuers::new(deps.outgoing, directory.clock().clone()),
            provider,
            store: directory.store().clone(),
            clock: directory.clock().clone(),
            random: directory.random().clone(),
            directory,
            means: deps.means,
        };
        Ok(Self(Arc::new(inner)))
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    /// Its directory.
    pub fn directory(&self) -> &Directory {
        &self.0.directory
    }

    /// Means of identification beside passwords.
    pub fn means(&self) -> &Means {
        &self.0.means
    }

    /// What binds a form to the browser that it was given to.
    pub fn csrf(&self) -> &Csrf {
        &self.0.csrf
    }

    /// The randomness that everything here is made from.
    pub fn random(&self) -> &dyn Random {
        &*self.0.random
    }

    /// Wrong passwords and codes, by address.
    pub fn throttle(&self) -> &signin::Throttle {
        &self.0.throttle
    }

    /// Wrong headers of workloads, by address.
    pub fn workload_headers(&self) -> &signin::Throttle {
        &self.0.workload_headers
    }

    /// Where it is.
    pub fn provider(&self) -> &Provider {
        &self.0.provider
    }

    /// The published keys.
    pub fn jwks(&self) -> Jwks {
        self.0.signer.ring().jwks.clone()
    }

    /// The same as the document of an endpoint of this version.
    pub fn key_document(&self, version: Version) -> Bytes {
        let ring = self.0.signer.ring();
        match version {
            Version::V1 => ring.document_v1.clone(),
            Version::V2 => ring.document_v2.clone(),
        }
    }

    /// What verifies our tokens.
    pub fn key_set(&self) -> Arc<KeySet> {
        self.0.signer.ring().keys.clone()
    }

    /// The way in which the data services of this process know our keys: from memory. What was revoked the directory
    /// tells them.
    pub fn key_source(&self) -> Arc<dyn KeySource> {
        Arc::new(self.clone())
    }

    /// Lets the next signing key sign. False when nothing was due.
    pub async fn rotate_keys(&self, rotation: Rotation) -> Result<bool, IdpError> {
        self.0.signer.rotate(rotation).await
    }

    /// Takes in what other processes on the same database changed of what is kept in memory here: revocations and signing
    /// keys. Called twice a second where there are several.
    pub async fn refresh_shared(&self) -> Result<(), IdpError> {
        self.0.directory.refresh_revocations().await?;
        self.0.signer.follow().await
    }

    /// What must be done about once a minute: rotates keys that are due, takes in what other processes rotated and
    /// revoked, forgets and removes what has expired; and writes what applications did by themselves.
    pub async fn maintain(&self) -> Result<(), IdpError> {
        self.write_app_sign_ins().await?;
        self.0.signer.rotate(Rotation::WhenDue).await?;
        self.0.signer.refresh().await?;
        self.0.directory.refresh_revocations().await?;
        let cx = self.provider_cx();
        // A day longer than they are good for: who comes late is told that it is late.
        let before = cx.now - Duration::from_hours(24);
        let purged = self.0.store.write(&cx, before, |before, tx| {
            Box::pin(async move { Ok::<_, IdpError>(Global(tx).purge(*before).await?) })
        });
        purged.await?;
        Ok(self.0.directory.purge_logs().await.map(drop)?)
    }

    /// A context that concerns no tenant.
    pub(crate) fn provider_cx(&self) -> Cx {
        self.0.directory.provider_cx()
    }
}

impl KeySource for Idp {
    fn keys(&self) -> BoxFuture<'_, Result<Arc<KeySet>, KeysUnavailable>> {
        Box::pin(async { Ok(self.key_set()) })
    }

    fn refreshed(&self) -> BoxFuture<'_, Result<Arc<KeySet>, KeysUnavailable>> {
        Box::pin(async {
            self.0.signer.refresh_soon().await.map_err(|error| {
                tracing::error!(%error, "the signing keys cannot be read");
                KeysUnavailable
            })?;
            Ok(self.key_set())
        })
    }
}
