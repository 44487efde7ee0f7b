//! What is written to people and to who looks after an establishment, where somebody sends it.

use std::time::Duration;

use hygie_core::{Cx, ObjectId, Secret};
use hygie_directory::logs::AlertKind;
use hygie_directory::{
    ConsentDecision, DIRECTORY_API, DirectoryError, Enabled, InvitationMessage, LETTERS, Letter, Matter,
    NewConsentRequest, NewInvitation, NewUser, NotificationMails, RequestedPermissions, UserChange, UserType, role,
};
use hygie_store::outbox::{Consumers, Event};
use hygie_store::{Owner, StoreError};
use serde_json::json;

use crate::world::World;

impl World {
    async fn awaits_letters(&self, cx: &Cx) {
        let added: Result<(), StoreError> = self
            .directory
            .store()
            .write(cx, (), |(), tx| {
                Box::pin(async move { Consumers(tx).add("mail", LETTERS).await })
            })
            .await;
        added.unwrap();
    }

    /// The letters since the last look.
    async fn letters(&self, cx: &Cx) -> Vec<Letter> {
        let owner = Owner::random(&*cx.random);
        let events: Result<Vec<Event>, StoreError> = self
            .directory
            .store()
            .write(cx, owner, |owner, tx| {
                Box::pin(async move {
                    let lease = Consumers(tx).lease("mail", *owner, Duration::from_secs(30)).await?;
                    let lease = lease.expect("nobody else has it");
                    let events = Consumers(tx).next(&lease, 100).await?;
                    let seqs: Vec<i64> = events.iter().map(|event| event.seq).collect();
                    Consumers(tx).acknowledge(&lease, &seqs).await?;
                    Consumers(tx).release(&lease).await?;
                    Ok(events)
                })
            })
            .await;
        let events = events.unwrap();
        let kinds = events.iter().map(|event| event.kind.as_str());
        assert!(
            kinds.clone().all(|kind| kind.starts_with(LETTERS)),
            "{:?}",
            kinds.collect::<Vec<_>>()
        );
        events
            .iter()
            .map(|event| serde_json::from_slice(&event.body).unwrap())
            .collect()
    }

    async fn new_password(&self, cx: &Cx, person: ObjectId, password: &str) {
        let password = Secret::new(password.to_owned());
        self.directory.set_password(cx, person, password).await.unwrap();
    }

    async fn person(&self, cx: &Cx, name: &str, mail: Option<&str>) -> ObjectId {
        let new = NewUser {
            user_principal_name: format!("{name}@ch-demo.example"),
            display_name: name.to_owned(),
            mail: mail.map(str::to_owned),
            ..NewUser::default()
        };
        self.directory.create_user(cx, new).await.unwrap().id
    }
}

fn to(letters: &[Letter]) -> Vec<&str> {
    let mut to: Vec<&str> = letters
        .iter()
        .flat_map(|letter| letter.to.iter().map(String::as_str))
        .collect();
    to.sort_unstable();
    to
}

#[tokio::test]
async fn nothing_is_written_where_nobody_sends_it() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    let eva = world.person(&cx, "eva", Some("eva@mail.example")).await;
    world.new_password(&cx, eva, "Grey heron 41").await;
    world.awaits_letters(&cx).await;
    assert_eq!(world.letters(&cx).await, []);
    let paul = world.person(&cx, "paul", None).await;
    for person in [eva, paul] {
        world.new_password(&cx, person, "Green heron 42").await;
    }
    let letters = world.letters(&cx).await;
    assert_eq!(to(&letters), ["eva@mail.example"], "who has no address gets none");
    let change = Matter::MeansChanged {
        change: "password-changed".to_owned(),
        about: String::new(),
        is_own: false,
    };
    assert_eq!(
        (&letters[0].matter, letters[0].establishment.as_str()),
        (&change, "CH Demo")
    );
    assert_eq!(letters[0].addressee.as_deref(), Some("eva"));
}

#[tokio::test]
async fn alerts_go_where_the_establishment_says() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    world.awaits_letters(&cx).await;
    let directory = &world.directory;
    directory
        .assign_directory_role(&cx, world.nurse, role::SECURITY_READER)
        .await
        .unwrap();
    assert_eq!(world.letters(&cx).await, [], "nowhere yet");
    let of = |addresses: &[&str]| NotificationMails {
        security: Some(addresses.iter().map(|&address| address.to_owned()).collect()),
        technical: None,
    };
    directory
        .change_notification_mails(&cx, of(&["a@ch.example", "b@ch.example"]))
        .await
        .unwrap();
    let letters = world.letters(&cx).await;
    assert_eq!(to(&letters), ["a@ch.example", "b@ch.example"], "of the change itself");
    directory
        .assign_directory_role(&cx, world.nurse, role::SECURITY_OPERATOR)
        .await
        .unwrap();
    let letters = world.letters(&cx).await;
    assert_eq!(letters.len(), 1, "one letter for all of them");
    assert!(
        matches!(
            &letters[0].matter,
            Matter::Alert {
                alert: AlertKind::RoleAssigned,
                ..
            }
        ),
        "{letters:?}"
    );
    directory
        .change_notification_mails(&cx, of(&["b@ch.example"]))
        .await
        .unwrap();
    let letters = world.letters(&cx).await;
    let ends: Vec<&Letter> = letters
        .iter()
        .filter(|one| matches!(one.matter, Matter::AlertsEnd { .. }))
        .collect();
    assert_eq!(
        (ends.len(), ends[0].to.as_slice()),
        (1, &["a@ch.example".to_owned()][..])
    );
}

#[tokio::test]
async fn many_alerts_of_a_kind_are_few_letters() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    let directory = &world.directory;
    let to_one = NotificationMails {
        security: Some(vec!["a@ch.example".to_owned()]),
        technical: None,
    };
    directory.change_notification_mails(&cx, to_one).await.unwrap();
    world.awaits_letters(&cx).await;
    let gives = async |count: usize| {
        let cx = world.cx(world.tenant);
        for _ in 0..count {
            let given = directory
                .assign_directory_role(&cx, world.nurse, role::SECURITY_READER)
                .await;
            directory.remove_role_assignment(&cx, given.unwrap().id).await.unwrap();
        }
        world.letters(&cx).await.len()
    };
    assert_eq!(gives(9).await, 5, "the log has the others");
    world.clock.advance(Duration::from_mins(11));
    assert_eq!(gives(1).await, 1, "after a while they leave again");
}

#[tokio::test]
async fn each_establishment_says_for_itself_where() {
    let world = World::new().await;
    let (here, elsewhere) = (world.cx(world.tenant), world.cx(world.other));
    let of = |address: &str| NotificationMails {
        security: Some(vec![address.to_owned()]),
        technical: None,
    };
    let directory = &world.directory;
    directory
        .change_notification_mails(&here, of("b@ch.example"))
        .await
        .unwrap();
    directory
        .change_notification_mails(&elsewhere, of("c@ch.example"))
        .await
        .unwrap();
    let found = directory.notification_mails(&here).await.unwrap();
    assert_eq!(
        (found.security, found.technical),
        (vec!["b@ch.example".to_owned()], Vec::new())
    );
    let wrong = NotificationMails {
        security: Some(vec!["a@ch.example\r\nBcc: b@ch.example".to_owned()]),
        technical: None,
    };
    let refused = directory.change_notification_mails(&here, wrong).await;
    assert!(
        matches!(
            refused,
            Err(DirectoryError::Value("securityComplianceNotificationMails"))
        ),
        "{refused:?}"
    );
}

#[tokio::test]
async fn who_may_decide_is_asked_and_who_asked_is_told() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    world.awaits_letters(&cx).await;
    let directory = &world.directory;
    let admin = world.person(&cx, "admin", Some("admin@mail.example")).await;
    let gone = world.person(&cx, "gone", Some("gone@mail.example")).await;
    let reader = world.person(&cx, "reader", Some("reader@mail.example")).await;
    let eva = world.person(&cx, "eva", Some("eva@mail.example")).await;
    for (who, what) in [
        (admin, role::GLOBAL_ADMINISTRATOR),
        (admin, role::APPLICATION_ADMINISTRATOR),
        (gone, role::APPLICATION_ADMINISTRATOR),
        (reader, role::GLOBAL_READER),
    ] {
        directory.assign_directory_role(&cx, who, what).await.unwrap();
    }
    directory.set_user_enabled(&cx, gone, Enabled::No).await.unwrap();
    directory
        .change_consent_request_policy(&cx, json!({ "isEnabled": true }))
        .await
        .unwrap();
    world.letters(&cx).await;
    let asks = || NewConsentRequest {
        app: world.portal,
        app_display_name: "Portal".to_owned(),
        user: eva,
        permissions: vec![RequestedPermissions {
            resource: DIRECTORY_API,
            scopes: vec!["User.Read.All".to_owned()],
        }],
        reason: "For the ward".to_owned(),
    };
    directory.ask_for_consent(&cx, asks()).await.unwrap();
    let letters = world.letters(&cx).await;
    assert_eq!(to(&letters), ["admin@mail.example"], "once, though by two roles");
    let asked = Matter::ConsentAsked {
        application: "Portal".to_owned(),
        by: "eva@ch-demo.example".to_owned(),
    };
    assert_eq!(letters[0].matter, asked);
    directory.ask_for_consent(&cx, asks()).await.unwrap();
    assert_eq!(world.letters(&cx).await, [], "who asks again writes to nobody again");
    let id = directory.consent_requests(&cx).await.unwrap()[0].id;
    let said = (ConsentDecision::Deny, Some("Not yet".to_owned()));
    directory.decide_consent_request(&cx, id, said).await.unwrap();
    let letters = world.letters(&cx).await;
    assert_eq!(to(&letters), ["eva@mail.example"]);
    let denied = Matter::ConsentDecided {
        application: "Portal".to_owned(),
        is_approved: false,
        words: Some("Not yet".to_owned()),
    };
    assert_eq!(letters[0].matter, denied);
    let quiet = json!({ "notifyReviewers": false });
    directory.change_consent_request_policy(&cx, quiet).await.unwrap();
    directory.ask_for_consent(&cx, asks()).await.unwrap();
    assert_eq!(world.letters(&cx).await, []);
}

#[tokio::test]
async fn whose_address_changes_is_told_at_the_former_one_too() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    world.awaits_letters(&cx).await;
    let eva = world.person(&cx, "eva", Some("eva@mail.example")).await;
    let change = |mail: Option<&str>| UserChange {
        mail: Some(mail.map(str::to_owned)),
        ..UserChange::default()
    };
    world
        .directory
        .update_user(&cx, eva, change(Some("eva@mail.example")))
        .await
        .unwrap();
    assert_eq!(world.letters(&cx).await, [], "the same address");
    world
        .directory
        .update_user(&cx, eva, change(Some("eve@mail.example")))
        .await
        .unwrap();
    let letters = world.letters(&cx).await;
    assert_eq!(to(&letters), ["eva@mail.example", "eve@mail.example"]);
    assert!(
        letters
            .iter()
            .all(|letter| letter.matter == Matter::AddressChanged { is_own: false })
    );
    world.directory.update_user(&cx, eva, change(None)).await.unwrap();
    assert_eq!(to(&world.letters(&cx).await), ["eve@mail.example"]);
}

#[tokio::test]
async fn who_is_invited_is_written_to_without_a_secret() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    let message = |words: &str, copies: &[&str]| NewInvitation {
        address: "paul@ch-autre.example".to_owned(),
        display_name: Some("Paul Durand".to_owned()),
        redirect: "https://portal.example/".to_owned(),
        user_type: UserType::Guest,
        resets: false,
        message: Some(InvitationMessage {
            words: Some(words.to_owned()),
            language: Some("en-GB".to_owned()),
            copies: copies.iter().map(|copy| (*copy).to_owned()).collect(),
        }),
    };
    // Where nobody sends it, nobody is invited either.
    let refused = world.directory.invite(&cx, message("", &[])).await;
    assert!(matches!(refused, Err(DirectoryError::NoMail)), "{refused:?}");
    world.awaits_letters(&cx).await;
    let copies = ["luc@ch-demo.example"];
    let made = world
        .directory
        .invite(&cx, message("See you soon", &copies))
        .await
        .unwrap();
    let letters = world.letters(&cx).await;
    assert_eq!(to(&letters), ["luc@ch-demo.example", "paul@ch-autre.example"]);
    for letter in &letters {
        let kept = serde_json::to_string(letter).unwrap();
        assert!(!kept.contains(made.ticket.expose()), "{kept}");
        assert_eq!(letter.language.as_deref(), Some("en-GB"));
        let invited = Matter::Invited {
            by: None,
            home: world.other,
            words: Some("See you soon".to_owned()),
        };
        assert_eq!(letter.matter, invited);
    }
    // Nobody writes to the world in the name of an establishment, nor at length.
    let long = "x".repeat(501);
    for (wrong, member) in [
        (message("", &["x@elsewhere.example"]), "ccRecipients"),
        (message("", &["a@ch-demo.example", "b@ch-demo.example"]), "ccRecipients"),
        (message(&long, &[]), "customizedMessageBody"),
    ] {
        let refused = world.directory.invite(&cx, wrong).await;
        assert!(
            matches!(refused, Err(DirectoryError::Value(told)) if told == member),
            "{refused:?}"
        );
    }
    assert_eq!(world.letters(&cx).await, []);
}
