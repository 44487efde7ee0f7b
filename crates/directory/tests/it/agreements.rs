//! Terms of use: what is kept, what somebody is shown, and what counts as accepted.

use std::collections::BTreeSet;
use std::time::Duration;

use hygie_core::{ErrorKind, Fault};
use hygie_directory::agreements::{AgreementError, Answer, Terms, Upload};
use hygie_directory::repo::Answers;
use hygie_directory::{Cursor, Kept};
use hygie_policy::agreement::{Agreement, MAX_AGREEMENTS, MAX_PDF};
use hygie_policy::json::read;
use hygie_policy::{AgreementFileId, AgreementId, Policy};
use serde_json::{Value, json};

use crate::conditional::policy;
use crate::world::World;

const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n%%EOF\n";
const DAY: Duration = Duration::from_hours(24);

fn upload(language: &str, more: &Value) -> Upload {
    let mut file = json!({ "fileName": "cgu.pdf", "language": language });
    file.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Upload {
        file: read(&file).unwrap(),
        pdf: PDF.to_vec(),
    }
}

fn agreement(more: &Value) -> Agreement {
    let mut document = json!({ "displayName": "CGU" });
    document
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    read(&document).unwrap()
}

impl World {
    async fn terms(&self, more: &Value) -> Terms {
        let files = vec![
            upload("fr", &json!({})),
            upload("en", &json!({ "displayName": "Terms" })),
        ];
        let cx = self.cx(self.tenant);
        self.directory
            .create_agreement(&cx, agreement(more), files)
            .await
            .unwrap()
    }

    async fn answer(&self, terms: &Terms, file: usize, answer: Answer) -> Result<(), AgreementError> {
        let ids = (terms.agreement.id.unwrap(), terms.files[file].id.unwrap());
        let cx = self.cx(self.tenant);
        self.directory.answer_agreement(&cx, self.nurse, ids, answer).await
    }

    async fn accepts(&self) -> BTreeSet<AgreementId> {
        let cx = self.cx(self.tenant);
        self.directory.accepted_agreements(&cx, self.nurse).await.unwrap()
    }
}

#[tokio::test]
async fn what_somebody_accepts_counts_until_it_ends() {
    let world = World::new().await;
    let terms = world.terms(&json!({ "userReacceptRequiredFrequency": "P30D" })).await;
    let id = terms.agreement.id.unwrap();
    assert_eq!(world.accepts().await, BTreeSet::new());
    world.answer(&terms, 0, Answer::Accepted).await.unwrap();
    assert_eq!(world.accepts().await, BTreeSet::from([id]));
    // Not for somebody else, nor in another tenant.
    let other = world.cx(world.other);
    assert_eq!(
        world.directory.accepted_agreements(&other, world.nurse).await.unwrap(),
        BTreeSet::new()
    );
    world.clock.advance(DAY * 29);
    assert_eq!(world.accepts().await, BTreeSet::from([id]));
    world.clock.advance(DAY);
    assert_eq!(world.accepts().await, BTreeSet::new());
    world.answer(&terms, 1, Answer::Accepted).await.unwrap();
    assert_eq!(world.accepts().await, BTreeSet::from([id]));
    // The last word counts, in whichever language.
    world.clock.advance(DAY);
    world.answer(&terms, 0, Answer::Declined).await.unwrap();
    assert_eq!(world.accepts().await, BTreeSet::new());
}

#[tokio::test]
async fn a_major_version_asks_again_a_minor_one_does_not() {
    let world = World::new().await;
    let terms = world.terms(&json!({})).await;
    let id = terms.agreement.id.unwrap();
    world.answer(&terms, 0, Answer::Accepted).await.unwrap();
    for (more, accepted) in [
        (json!({}), BTreeSet::from([id])),
        (json!({ "isMajorVersion": true }), BTreeSet::new()),
    ] {
        world.clock.advance(DAY);
        let cx = world.cx(world.tenant);
        let newer = upload("FR", &more);
        world.directory.create_agreement_file(&cx, id, newer).await.unwrap();
        assert_eq!(world.accepts().await, accepted, "{more}");
    }
    // What has been replaced is not accepted any more.
    let outdated = world.answer(&terms, 0, Answer::Accepted).await.unwrap_err();
    assert_eq!((outdated.kind(), outdated.code()), (ErrorKind::Conflict, "Conflict"));
    let cx = world.cx(world.tenant);
    let now = world.directory.find_agreement(&cx, id).await.unwrap().unwrap();
    assert_eq!(now.files.len(), 4);
    world.answer(&now, 3, Answer::Accepted).await.unwrap();
    assert_eq!(world.accepts().await, BTreeSet::from([id]));
}

#[tokio::test]
async fn somebody_is_shown_their_language() {
    let world = World::new().await;
    let terms = world.terms(&json!({ "isViewingBeforeAcceptanceRequired": true })).await;
    let (id, cx) = (terms.agreement.id.unwrap(), world.cx(world.tenant));
    for (languages, name, file) in [
        (&["fr-FR", "en"][..], "CGU", 0),
        (&["en-GB"], "Terms", 1),
        (&["de"], "CGU", 0),
    ] {
        let shown = world
            .directory
            .agreement_for(&cx, id, languages)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (shown.display_name.as_str(), Some(shown.file), shown.must_be_viewed),
            (name, terms.files[file].id, true)
        );
        let pdf = world.directory.agreement_pdf(&cx, id, shown.file).await.unwrap();
        assert_eq!(pdf.as_deref(), Some(PDF));
        let other = world.cx(world.other);
        assert_eq!(
            world.directory.agreement_pdf(&other, id, shown.file).await.unwrap(),
            None
        );
        assert_eq!(
            world.directory.agreement_for(&other, id, languages).await.unwrap(),
            None
        );
    }
}

#[tokio::test]
async fn what_is_no_agreement() {
    let world = World::new().await;
    let cx = world.cx(world.tenant);
    let create = async |agreement, files| {
        let outcome = world.directory.create_agreement(&cx, agreement, files).await;
        outcome.map(drop).unwrap_err().public()
    };
    let good = || agreement(&json!({}));
    let with = |pdf: Vec<u8>| Upload {
        pdf,
        ..upload("fr", &json!({}))
    };
    assert_eq!(create(good(), vec![]).await, "files: an agreement needs a file");
    assert_eq!(
        create(good(), vec![with(b"<html>".to_vec())]).await,
        "fileData: the file is not a PDF"
    );
    let large = [PDF, &vec![b' '; MAX_PDF], b"%%EOF"].concat();
    assert_eq!(
        create(good(), vec![with(large)]).await,
        format!("fileData: a file may have {MAX_PDF} bytes")
    );
    assert_eq!(
        create(good(), vec![upload("français", &json!({}))]).await,
        "language must be a language such as fr or en-US"
    );
    let each = agreement(&json!({ "isPerDeviceAcceptanceRequired": true }));
    assert!(
        create(each, vec![upload("fr", &json!({}))])
            .await
            .starts_with("isPerDeviceAcceptanceRequired")
    );
    assert_eq!(world.directory.list_agreements(&cx).await.unwrap(), []);
    for _ in 0..MAX_AGREEMENTS {
        world.terms(&json!({})).await;
    }
    assert_eq!(
        create(good(), vec![upload("fr", &json!({}))]).await,
        "a tenant may have 40 agreements"
    );
    assert_eq!(
        world.directory.list_agreements(&cx).await.unwrap().len(),
        MAX_AGREEMENTS
    );
    let nobody = AgreementFileId::from_uuid(uuid::Uuid::nil());
    let terms = world.directory.list_agreements(&cx).await.unwrap()[0].id.unwrap();
    let answer = world
        .directory
        .answer_agreement(&cx, world.nurse, (terms, nobody), Answer::Accepted)
        .await;
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn an_agreement_that_a_policy_asks_for_stays() {
    let world = World::new().await;
    let terms = world.terms(&json!({})).await;
    let (id, cx) = (terms.agreement.id.unwrap(), world.cx(world.tenant));
    let asks = policy("AC01", &json!({ "operator": "OR", "termsOfUse": [id.to_string()] }));
    let new: Policy = read(&asks).unwrap();
    let foreign = world.directory.create_rule(&world.cx(world.other), new.clone()).await;
    assert!(foreign.unwrap_err().public().starts_with("grantControls.termsOfUse"));
    let made = world.directory.create_rule(&cx, new).await.unwrap();
    world.answer(&terms, 0, Answer::Accepted).await.unwrap();
    let refusal = world.directory.delete_agreement(&cx, id).await.unwrap_err();
    assert_eq!(refusal.public(), "it is used by 'AC01'");
    let renamed = world
        .directory
        .update_agreement(&cx, id, json!({ "displayName": "Charte" }))
        .await
        .unwrap();
    assert_eq!(renamed.display_name, "Charte");
    world
        .directory
        .delete_rule::<Policy>(&cx, &made.key().unwrap())
        .await
        .unwrap();
    let other = world.cx(world.other);
    assert_eq!(
        world.directory.delete_agreement(&other, id).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let page = Cursor { after: None, limit: 10 };
    assert_eq!(
        world
            .directory
            .page_answers(&other, Answers::Of(id), page)
            .await
            .unwrap(),
        []
    );
    assert_eq!(
        world
            .directory
            .page_answers(&cx, Answers::Of(id), page)
            .await
            .unwrap()
            .len(),
        1
    );
    world.directory.delete_agreement(&cx, id).await.unwrap();
    assert_eq!(
        world
            .directory
            .page_answers(&cx, Answers::By(world.nurse), page)
            .await
            .unwrap(),
        []
    );
    assert_eq!(world.accepts().await, BTreeSet::new());
}
