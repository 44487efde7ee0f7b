//! Who has a role where: stored, in memory, by tenant.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hygie_access::{
    AssigneeKind, AssignmentError, Assignments, Gate, Instance, Interaction, Kind, Reason, Role, RoleAssignments, Scope,
};
use hygie_core::{Cx, ErrorKind, Fault, GroupId, Principal, PrincipalKind, TenantId};
use hygie_store::audit::Record;
use hygie_store::{Engine, Store, StoreError, Work};

use crate::world::{World, assignee, object, tenant};

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

fn principal(kind: PrincipalKind, of: TenantId, id: u128) -> Principal {
    Principal {
        issuer: String::new(),
        tenant: of,
        subject: object(id),
        kind,
        app: None,
        groups: vec![GroupId::from_uuid(object(20).uuid())],
        app_roles: Vec::new(),
        scopes: vec!["user_impersonation".to_owned()],
        session: None,
        professional: None,
    }
}

#[tokio::test]
async fn roles_hold_when_assigned_and_not_when_removed() {
    let world = World::new();
    let gate = world.gate();
    let cx = world.cx(tenant(1));
    let app = principal(PrincipalKind::App, tenant(1), 1);
    let read = Interaction::Read.on("Patient");
    assert_eq!(gate.authorize(&app, read).await.unwrap_err().reason(), Reason::NoRole);
    let who = assignee(tenant(1), object(1), AssigneeKind::App);
    let service = scope("/workspaces/demo/fhir/fhir");
    let assigned = world
        .assignments
        .assign(&cx, who, Role::FhirDataReader, service.clone())
        .await
        .unwrap();
    gate.authorize(&app, read).await.unwrap();
    let create = Interaction::Create.on("Patient");
    assert_eq!(gate.authorize(&app, create).await.unwrap_err().reason(), Reason::Role);
    // Roles add up.
    world
        .assignments
        .assign(&cx, who, Role::FhirDataWriter, service.clone())
        .await
        .unwrap();
    gate.authorize(&app, create).await.unwrap();
    let again = world.assignments.assign(&cx, who, Role::FhirDataReader, service).await;
    assert!(matches!(again, Err(AssignmentError::Exists)), "{again:?}");
    assert_eq!(world.assignments.list(&cx).await.unwrap().len(), 2);
    assert_eq!(
        world.assignments.remove(&cx, assigned.id).await.unwrap(),
        Some(assigned.clone())
    );
    assert_eq!(world.assignments.remove(&cx, assigned.id).await.unwrap(), None);
    let left = world.assignments.list(&cx).await.unwrap();
    assert_eq!(
        left.iter().map(|left| left.role).collect::<Vec<_>>(),
        [Role::FhirDataWriter]
    );
}

/// A provider may call a person and a group the same, and so their ids are the same.
#[tokio::test]
async fn a_person_and_a_group_of_one_name_are_two() {
    use AssigneeKind::{Group, User};
    let world = World::new();
    let cx = world.cx(tenant(1));
    let everywhere = scope("/workspaces/demo");
    for kind in [User, Group] {
        let who = assignee(tenant(5), object(7), kind);
        let assign = || {
            world
                .assignments
                .assign(&cx, who, Role::FhirDataReader, everywhere.clone())
        };
        assign().await.unwrap();
        let again = assign().await;
        assert!(matches!(again, Err(AssignmentError::Exists)), "{again:?}");
    }
    assert_eq!(world.assignments.list(&cx).await.unwrap().len(), 2);
}

#[tokio::test]
async fn who_and_where() {
    use AssigneeKind::{App, Group, ManagedIdentity, User};
    let world = World::new();
    let gate = world.gate();
    let (one, two) = (tenant(1), tenant(2));
    let person = principal(PrincipalKind::User, one, 1);
    let program = principal(PrincipalKind::App, one, 1);
    let (here, there) = ("/workspaces/demo/fhir/fhir", "/workspaces/demo/fhir/other");
    for (assigned, place, caller, allowed) in [
        (assignee(one, object(1), User), here, &person, true),
        (assignee(one, object(1), User), "/workspaces/demo", &person, true),
        (assignee(one, object(1), User), there, &person, false),
        (assignee(one, object(1), User), "/workspaces/demo2", &person, false),
        (assignee(one, object(1), User), here, &program, false),
        (assignee(one, object(1), App), here, &program, true),
        (assignee(one, object(1), ManagedIdentity), here, &program, true),
        (assignee(one, object(1), App), here, &person, false),
        // By group, and only as a group.
        (assignee(one, object(20), Group), here, &person, true),
        (assignee(one, object(20), Group), here, &program, true),
        (assignee(one, object(20), User), here, &person, false),
        (assignee(one, object(1), Group), here, &person, false),
        (assignee(one, object(21), Group), here, &person, false),
        // The same id in another tenant is somebody else.
        (assignee(two, object(1), User), here, &person, false),
        (assignee(two, object(20), Group), here, &person, false),
    ] {
        let cx = world.cx(one);
        let made = world
            .assignments
            .assign(&cx, assigned, Role::FhirDataReader, scope(place))
            .await
            .unwrap();
        let outcome = gate.authorize(caller, Interaction::Read.on("Patient")).await;
        assert_eq!(outcome.is_ok(), allowed, "{assigned:?} at {place}, {:?}", caller.kind);
        world.assignments.remove(&cx, made.id).await.unwrap();
    }
}

#[tokio::test]
async fn a_workspace_belongs_to_one_tenant() {
    let world = World::new();
    let app = principal(PrincipalKind::App, tenant(1), 1);
    let who = assignee(tenant(1), object(1), AssigneeKind::App);
    // Another tenant has a workspace of the same name and assigns a role in it.
    let made = world
        .assignments
        .assign(
            &world.cx(tenant(2)),
            who,
            Role::FhirDataContributor,
            scope("/workspaces/demo"),
        )
        .await
        .unwrap();
    let read = Interaction::Read.on("Patient");
    let ours = world.gate();
    assert_eq!(ours.authorize(&app, read).await.unwrap_err().reason(), Reason::NoRole);
    let theirs = world.gate_of(Instance {
        tenant: tenant(2),
        ..world.instance()
    });
    theirs.authorize(&app, read).await.unwrap();
    // And the table is not shared either.
    assert_eq!(world.assignments.list(&world.cx(tenant(1))).await.unwrap(), []);
    assert_eq!(
        world.assignments.remove(&world.cx(tenant(1)), made.id).await.unwrap(),
        None
    );
    let found = world
        .store
        .read(&world.cx(tenant(1)), made.id, |id, tx| {
            Box::pin(async move { RoleAssignments(tx).find(*id).await })
        })
        .await;
    assert!(matches!(found, Ok(None) | Err::<_, StoreError>(_)) && found.is_ok());
    theirs.authorize(&app, read).await.unwrap();
}

#[tokio::test]
async fn what_another_process_assigned_holds_within_a_second() {
    let world = World::new();
    let gate = world.gate();
    let app = principal(PrincipalKind::App, tenant(1), 1);
    let read = Interaction::Read.on("Patient");
    assert!(gate.authorize(&app, read).await.is_err());
    let other = Arc::new(Assignments::new(
        world.store.clone(),
        world.clock.clone(),
        world.random.clone(),
    ));
    let who = assignee(tenant(1), object(1), AssigneeKind::App);
    let cx = world.cx(tenant(1));
    let made = other
        .assign(&cx, who, Role::FhirDataReader, scope("/workspaces/demo"))
        .await
        .unwrap();
    world.clock.advance(Duration::from_millis(999));
    assert!(gate.authorize(&app, read).await.is_err());
    world.clock.advance(Duration::from_millis(1));
    gate.authorize(&app, read).await.unwrap();
    other.remove(&cx, made.id).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    assert!(gate.authorize(&app, read).await.is_err());
}

/// An engine whose database is gone.
struct Lost;

impl Engine for Lost {
    fn write<'a>(&'a self, _cx: &'a Cx, _work: Box<dyn Work>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::Unavailable(None)) })
    }

    fn read<'a>(&'a self, _cx: &'a Cx, _work: Box<dyn Work>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::Unavailable(None)) })
    }

    fn record(&self, _record: Record) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::Unavailable(None)) })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn without_the_store_there_is_no_decision() {
    let world = World::new();
    let lost = Store::new(Arc::new(Lost));
    let assignments = Arc::new(Assignments::new(lost, world.clock.clone(), world.random.clone()));
    let gate = Gate::new(world.instance(), assignments, world.revocations.clone());
    let app = principal(PrincipalKind::App, tenant(1), 1);
    let refusal = gate.authorize(&app, Interaction::Read.on("Patient")).await.unwrap_err();
    assert_eq!(refusal.reason(), Reason::AssignmentsUnavailable);
    assert_eq!(refusal.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn roles_of_another_kind() {
    let world = World::new();
    let cx = world.cx(tenant(1));
    let who = assignee(tenant(1), object(1), AssigneeKind::App);
    let refused = world
        .assignments
        .assign(&cx, who, Role::DicomDataOwner, scope("/workspaces/demo/fhir/fhir"))
        .await;
    assert!(matches!(refused, Err(AssignmentError::OtherKind)), "{refused:?}");
    // At the workspace it counts for the services of its kind.
    world
        .assignments
        .assign(&cx, who, Role::DicomDataOwner, scope("/workspaces/demo"))
        .await
        .unwrap();
    let app = principal(PrincipalKind::App, tenant(1), 1);
    let fhir = world.gate().permissions(&app).await.unwrap();
    assert!(fhir.actions().is_empty());
    let dicom = world.gate_of(Instance {
        kind: Kind::Dicom,
        ..world.instance()
    });
    assert!(!dicom.permissions(&app).await.unwrap().actions().is_empty());
}
