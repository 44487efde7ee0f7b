//! Two establishments with a nurse each, and the means over their directory.

use std::sync::Arc;

use hygie_access::Outgoing;
use hygie_core::{Clock, Cx, ObjectId, Principal, PrincipalKind, Secret, TenantId};
use hygie_directory::{Deps as DirectoryDeps, Directory, MIGRATIONS, NewTenant, NewUser, User};
use hygie_means::{Deps, Means, MeansError, Metadata, Refusal};
use hygie_policy::methods::Method;
use hygie_testkit::{SeededRandom, TemporaryStore, VirtualClock};
use serde_json::Value;

pub const LOGIN: &str = "https://login.example";
pub const NAME: &str = "anna@ch-demo.example";

pub struct World {
    pub means: Means,
    pub clock: Arc<VirtualClock>,
    cx: Cx,
    pub tenant: TenantId,
    pub other: TenantId,
    pub nurse: User,
    pub stranger: User,
    pub store: TemporaryStore,
}

impl World {
    pub async fn new() -> Self {
        Self::with_metadata(None).await
    }

    pub async fn with_metadata(metadata: Option<Metadata>) -> Self {
        Self::with(metadata, None).await
    }

    /// The same, asking other servers.
    pub async fn with(metadata: Option<Metadata>, outgoing: Option<Outgoing>) -> Self {
        let clock = Arc::new(VirtualClock::default());
        let random = Arc::new(SeededRandom::new(7));
        let store = TemporaryStore::new("means", MIGRATIONS, &clock).await;
        let deps = DirectoryDeps {
            store: store.store.clone(),
            clock: clock.clone(),
            random: random.clone(),
            workers: 2,
        };
        let directory = Directory::open(deps).await.unwrap();
        let tenant: TenantId = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0001".parse().unwrap();
        let other: TenantId = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0002".parse().unwrap();
        let cx = Cx::internal(tenant, clock.clone(), random);
        let nurse = person(&directory, &cx.for_tenant(tenant), "ch-demo.example").await;
        let stranger = person(&directory, &cx.for_tenant(other), "ch-autre.example").await;
        let means = Means::open(Deps {
            directory,
            login: LOGIN.to_owned(),
            metadata: metadata.map(Arc::new),
            outgoing,
        })
        .unwrap();
        Self {
            means,
            clock,
            cx,
            tenant,
            other,
            nurse,
            stranger,
            store,
        }
    }

    /// A context of now in the first tenant.
    pub fn cx(&self) -> Cx {
        self.cx_of(self.tenant)
    }

    pub fn cx_of(&self, tenant: TenantId) -> Cx {
        Cx {
            now: self.clock.now(),
            ..self.cx.for_tenant(tenant)
        }
    }

    /// The same, as the nurse herself.
    pub fn own_cx(&self) -> Cx {
        let principal = Principal {
            issuer: LOGIN.to_owned(),
            tenant: self.tenant,
            subject: self.nurse.id,
            kind: PrincipalKind::User,
            app: None,
            groups: Vec::new(),
            app_roles: Vec::new(),
            scopes: Vec::new(),
            session: None,
            professional: None,
        };
        Cx {
            principal: Some(principal.into()),
            ..self.cx()
        }
    }

    pub async fn configure(&self, method: Method, change: Value) {
        let cx = self.cx();
        self.means
            .directory()
            .configure_method(&cx, method, change)
            .await
            .unwrap();
    }

    /// How often this was recorded with an effect.
    pub async fn recorded(&self, action: &str, reason: Option<&str>) -> usize {
        let cx = self.cx();
        let rows = self
            .store
            .store
            .read(&cx, (), |(), tx| {
                Box::pin(async move { tx.query("SELECT entry FROM audit", &[]).await })
            })
            .await
            .unwrap();
        rows.into_iter()
            .map(|mut row| row.take::<Vec<u8>>(0).unwrap())
            .map(|bytes| serde_json::from_slice::<Value>(&bytes).unwrap())
            .filter(|record| record["action"] == action && record["reason"].as_str() == reason)
            .count()
    }
}

async fn person(directory: &Directory, cx: &Cx, domain: &str) -> User {
    let new = NewTenant {
        id: cx.tenant,
        display_name: domain.to_owned(),
        domain: domain.to_owned(),
    };
    directory.create_tenant(cx, new).await.unwrap();
    let new = NewUser {
        user_principal_name: format!("anna@{domain}"),
        display_name: "Anna Martin".to_owned(),
        password: Some(Secret::new("Correct horse 9".to_owned())),
        ..NewUser::default()
    };
    directory.create_user(cx, new).await.unwrap()
}

/// What was refused.
pub fn refusal<T: std::fmt::Debug>(outcome: Result<T, MeansError>) -> Refusal {
    let error = outcome.expect_err("refused");
    error.refusal().unwrap_or_else(|| panic!("not a refusal: {error:?}"))
}

/// The id of nobody.
pub fn nobody() -> ObjectId {
    "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f00ff".parse().unwrap()
}
