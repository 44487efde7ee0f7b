//! Collections of which some objects were deleted: a page does not end before its time.

use hygie_core::ObjectId;
use hygie_directory::{Cursor, NewApplication};
use serde_json::Value;

use crate::world::{World, each, user};

/// The first two of a collection.
const TWO: Cursor = Cursor { after: None, limit: 2 };

/// Four people, the second deleted, each put somewhere before.
async fn people(world: &World, put: impl AsyncFn(ObjectId)) -> Vec<ObjectId> {
    let mut all = Vec::new();
    for n in 0..4 {
        let name = format!("P{n}");
        let one = user(&world.directory, &world.cx, (&name, "Petit", "ch-demo.example")).await;
        put(one).await;
        all.push(one);
    }
    all.sort();
    world.directory.delete_user(&world.cx, all[0]).await.expect("deleted");
    all
}

#[tokio::test]
async fn a_page_is_full_where_people_are_gone() {
    let world = World::new().await;
    let (directory, cx) = (&world.directory, &world.cx);
    let team = directory.create_group(cx, "Team").await.unwrap().id;
    let object = ObjectId::from_uuid(team.uuid());
    let all = people(&world, async |one| {
        directory.add_member(cx, team, one).await.unwrap();
        directory.add_owner(cx, object, one).await.unwrap();
        directory.set_manager(cx, one, Some(world.nurse)).await.unwrap();
    })
    .await;
    for (name, page) in [
        ("members", directory.page_members(cx, team, TWO).await.unwrap()),
        (
            "transitiveMembers",
            directory.page_transitive_members(cx, team, TWO).await.unwrap(),
        ),
        ("owners", directory.page_owners(cx, object, TWO).await.unwrap()),
        (
            "directReports",
            directory.page_reports(cx, world.nurse, TWO).await.unwrap(),
        ),
    ] {
        let ids: Vec<ObjectId> = page.iter().map(hygie_directory::DirectoryObject::id).collect();
        assert_eq!(ids, all[1..3], "{name}");
    }
}

#[tokio::test]
async fn a_page_of_what_somebody_owns_is_full_where_some_of_it_is_gone() {
    let world = World::new().await;
    let (directory, cx) = (&world.directory, &world.cx);
    let mut all = Vec::new();
    for n in 0..3 {
        let group = directory.create_group(cx, &format!("G{n}")).await.unwrap().id;
        let new = NewApplication {
            app: None,
            display_name: format!("A{n}"),
            definition: hygie_directory::Definition::default(),
        };
        let application = directory.register_application(cx, new, Vec::new()).await.unwrap();
        for one in [ObjectId::from_uuid(group.uuid()), application.id] {
            directory.add_owner(cx, one, world.nurse).await.unwrap();
            all.push((one, group, application.id));
        }
    }
    all.sort();
    // The first of all is gone, whichever it is.
    let (first, group, application) = all[0];
    if first == application {
        directory.delete_application(cx, application).await.unwrap();
    } else {
        directory.delete_group(cx, group).await.unwrap();
    }
    let page = directory.page_owned(cx, world.nurse, TWO).await.unwrap();
    let ids: Vec<ObjectId> = page.iter().map(hygie_directory::Owned::id).collect();
    assert_eq!(ids, [all[1].0, all[2].0]);
}

#[tokio::test]
async fn more_members_than_are_read_at_once_are_shown_though_one_is_gone() {
    let world = World::new().await;
    let (directory, cx) = (&world.directory, &world.cx);
    let team = directory.create_group(cx, "Team").await.unwrap().id;
    let mut all = Vec::new();
    for n in 0..510 {
        let name = format!("P{n}");
        let one = user(directory, cx, (&name, "Petit", "ch-demo.example")).await;
        directory.add_member(cx, team, one).await.unwrap();
        all.push(one);
    }
    all.sort();
    let admin = world.app(&["User.ReadWrite.All", "Group.Read.All"]);
    admin
        .changed("DELETE", &format!("/v1.0/users/{}", all[7]), &Value::Null)
        .await;
    let page = admin.json(&format!("/v1.0/groups/{team}/members?$top=999")).await;
    assert_eq!(each(&page, "id").len(), 509);
}
