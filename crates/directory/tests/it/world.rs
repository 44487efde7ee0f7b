//! Two establishments, the first with people and applications.

use std::sync::Arc;
use std::time::Duration;

use hygie_core::{AppId, Clock, Cx, GroupId, ObjectId, Secret, TenantId};
use hygie_directory::{
    AppRole, Application, Definition, Deps, Directory, MIGRATIONS, NewApplication, NewTenant, NewUser, Scope,
};
use hygie_testkit::{SeededRandom, TemporaryStore, VirtualClock};
use uuid::Uuid;

pub const FHIR: &str = "https://fhir.example/demo/fhir";

/// The parties of the tests.
pub struct World {
    pub directory: Directory,
    pub clock: Arc<VirtualClock>,
    pub cx: Cx,
    pub tenant: TenantId,
    pub other: TenantId,
    pub nurse: ObjectId,
    /// Within another group.
    pub nurses: GroupId,
    /// A resource with a scope and a role.
    pub fhir: AppId,
    /// A resource without.
    pub api: AppId,
    /// A client with a secret, which was granted the scope.
    pub portal: AppId,
    pub store: TemporaryStore,
}

impl World {
    /// Another process over the same store.
    pub async fn second(&self) -> Directory {
        let deps = hygie_directory::Deps {
            store: self.store.store.clone(),
            clock: self.clock.clone(),
            random: self.cx.random.clone(),
            workers: 1,
        };
        Directory::open(deps).await.expect("the directory opens")
    }

    pub async fn new() -> Self {
        let clock = Arc::new(VirtualClock::default());
        let random = Arc::new(SeededRandom::new(42));
        let store = TemporaryStore::new("directory", MIGRATIONS, &clock).await;
        let deps = Deps {
            store: store.store.clone(),
            clock: clock.clone(),
            random: random.clone(),
            workers: 2,
        };
        let directory = Directory::open(deps).await.expect("the directory opens");
        let tenant: TenantId = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0001".parse().unwrap();
        let other: TenantId = "5b1f9e0a-34a7-4c2a-9a64-0f6f0d2f0002".parse().unwrap();
        let cx = Cx::internal(tenant, clock.clone(), random);
        establishments(&directory, &cx, [tenant, other]).await;
        let fhir = Definition {
            identifier_uris: vec![FHIR.to_owned()],
            scopes: vec![Scope {
                id: Uuid::from_u128(1),
                value: "user_impersonation".to_owned(),
                display_name: "Access".to_owned(),
                ..Scope::default()
            }],
            app_roles: vec![AppRole {
                id: Uuid::from_u128(11),
                value: "Reader".to_owned(),
                display_name: "Reader".to_owned(),
                ..AppRole::default()
            }],
            ..Definition::default()
        };
        let fhir = register(&directory, &cx, "FHIR demo", fhir).await.app;
        let api = register(&directory, &cx, "API", Definition::default()).await.app;
        let portal = register(&directory, &cx, "Portal", Definition::default()).await.app;
        let year = Duration::from_hours(24 * 365);
        directory.add_secret(&cx, portal, "test", year).await.expect("a secret");
        let granted = directory.grant_scopes(&cx, (portal, fhir), None, &["user_impersonation"]);
        granted.await.expect("a grant");
        let (nurse, nurses) = people(&directory, &cx).await;
        Self {
            directory,
            clock,
            cx,
            tenant,
            other,
            nurse,
            nurses,
            fhir,
            api,
            portal,
            store,
        }
    }

    /// A context of now in this tenant.
    pub fn cx(&self, tenant: TenantId) -> Cx {
        Cx {
            now: self.clock.now(),
            ..self.cx.for_tenant(tenant)
        }
    }
}

async fn establishments(directory: &Directory, cx: &Cx, ids: [TenantId; 2]) {
    for (id, (domain, name)) in ids
        .into_iter()
        .zip([("ch-demo.example", "CH Demo"), ("ch-autre.example", "CH Autre")])
    {
        let new = NewTenant {
            id,
            display_name: name.to_owned(),
            domain: domain.to_owned(),
        };
        directory.create_tenant(cx, new).await.expect("a new tenant");
    }
}

async fn register(directory: &Directory, cx: &Cx, name: &str, definition: Definition) -> Application {
    let new = NewApplication {
        app: None,
        display_name: name.to_owned(),
        definition,
    };
    let (application, _) = directory.create_application(cx, new).await.expect("a new application");
    application
}

async fn people(directory: &Directory, cx: &Cx) -> (ObjectId, GroupId) {
    let new = NewUser {
        user_principal_name: "Anna.Martin@ch-demo.example".to_owned(),
        display_name: "Anna Martin".to_owned(),
        password: Some(Secret::new("Correct horse 9".to_owned())),
        ..NewUser::default()
    };
    let nurse = directory.create_user(cx, new).await.expect("a new user").id;
    let nurses = directory.create_group(cx, "Nurses").await.expect("a new group").id;
    let staff = directory.create_group(cx, "Staff").await.expect("a new group").id;
    directory.add_member(cx, nurses, nurse).await.expect("a member");
    let inner = ObjectId::from_uuid(nurses.uuid());
    directory
        .add_member(cx, staff, inner)
        .await
        .expect("a group in a group");
    (nurse, nurses)
}
