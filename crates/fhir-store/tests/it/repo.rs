//! Versions and their index: what was put is found, and the journal alone makes the same index again.

use std::collections::BTreeMap;
use std::time::Duration;

use hygie_core::Timestamp;
use hygie_fhir_model::json::{Document, Json, Limits};
use hygie_fhir_model::{Id, Interval, ResourceType, Target};
use hygie_fhir_store::index::{Entry, Extract, When};
use hygie_fhir_store::repo::{Change, Content, Method, Repository, Version, Write};
use hygie_store::outbox::{Consumers, Event, Lease};
use hygie_store::{Order, Owner, Store, StoreError};
use hygie_testkit::{crashed, index_keys};
use proptest::prelude::*;

use crate::world::{START, cx, open_store};

/// Reads test resources: every kind of entry has a member.
fn extract(_: ResourceType, document: &Document) -> Extract {
    let mut extract = Extract::default();
    let text = |key: &str| document.root().find(key).and_then(Json::text);
    if let Some(target) = text("subject")
        && let Target::Local { kind, id, .. } = Target::parse(&target)
    {
        extract.targets.push((kind, id.to_owned()));
        extract.patients.push(0);
        extract.entries.push(Entry::Reference {
            parameter: 1,
            target: 0,
        });
    }
    if let Some(system) = text("system") {
        extract.systems.push(system.into_owned());
        let code = "8480-6".to_owned();
        extract.entries.push(Entry::DatedToken {
            parameter: 2,
            code: code.clone(),
            system: Some(0),
        });
        extract.entries.push(Entry::Token {
            parameter: 3,
            code,
            system: None,
        });
    }
    if let Some(name) = text("name") {
        extract.entries.push(Entry::Text {
            parameter: 4,
            text: name.clone().into_owned(),
        });
        extract.entries.push(Entry::External {
            parameter: 5,
            url: name.into_owned(),
        });
    }
    let days = document.root().find("days").and_then(Json::number);
    if let Some(days) = days.and_then(|days| days.parse::<i64>().ok()) {
        let low = days * 86_400_000;
        let high = low + days * 1000;
        extract.date = Some(When::of(Interval { low, high }));
        extract.entries.push(Entry::Date {
            parameter: 6,
            low,
            high,
        });
    }
    extract
}

/// What an older release may have found: no references, and no system.
fn extract_less(kind: ResourceType, document: &Document) -> Extract {
    let mut extract = extract(kind, document);
    let lasts = |entry: &Entry| matches!(entry, Entry::Text { .. } | Entry::Date { .. });
    extract.entries.retain(lasts);
    extract.targets.clear();
    extract.patients.clear();
    extract.systems.clear();
    extract
}

/// One change of one resource.
#[derive(Clone, Debug)]
struct Step {
    kind: ResourceType,
    id: Id,
    content: Option<String>,
    /// Rolled back after all is done.
    fails: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kinds = prop_oneof![Just("Patient"), Just("Observation")];
    let body = (
        prop::option::of("Patient/[ab]"),
        prop::option::of("urn:[xy]"),
        prop::option::of("[a-c]{1,3}"),
        prop::option::of(0..100_000_i64),
    );
    let step = (
        kinds,
        "[abc]",
        prop::option::weighted(0.8, body),
        prop::bool::weighted(0.2),
    );
    let step = step.prop_map(|(kind, id, body, fails)| Step {
        fails,
        kind: ResourceType::find(kind).expect("a type"),
        id: id.parse().expect("an id"),
        content: body.map(|(subject, system, name, days)| {
            serde_json::json!({ "subject": subject, "system": system, "name": name, "days": days }).to_string()
        }),
    });
    prop::collection::vec(step, 1..40)
}

type Input = (Repository, Step, Option<Content>, i64);

async fn put(
    store: &Store,
    repository: &Repository,
    step: &Step,
    at: i64,
) -> Result<(Version, Option<Version>), StoreError> {
    let content = step.content.as_ref().map(|text| {
        let document = Document::parse(text.as_str(), &Limits::default()).expect("JSON");
        repository.content(step.kind, document)
    });
    let input: Input = (repository.clone(), step.clone(), content, at);
    let written = store
        .write(&cx(), input, |(repository, step, content, at), tx| {
            Box::pin(async move {
                let mut resources = repository.resources(tx);
                let current = resources.find(step.kind, &step.id).await?;
                let change = Change {
                    kind: step.kind,
                    id: &step.id,
                    updated: Timestamp::from_millis(*at),
                    write: content.as_ref().map_or(Write::Delete, Write::Update),
                };
                let version = resources.put(&change, current.as_ref()).await?;
                if step.fails {
                    return Err(StoreError::Busy);
                }
                Ok((version, current, resources.learned()))
            })
        })
        .await;
    let (version, current, learned) = written?;
    repository.learn(learned);
    Ok((version, current))
}

type Model = BTreeMap<(&'static str, String), Vec<Version>>;

/// Applies the steps and keeps what was answered.
async fn run(store: &Store, repository: &Repository, steps: &[Step]) -> Model {
    let mut model = Model::new();
    for (at, step) in steps.iter().enumerate() {
        let written = put(store, repository, step, START + at as i64).await;
        if step.fails {
            assert!(matches!(written, Err(StoreError::Busy)));
            continue;
        }
        let (version, before) = written.expect("a write");
        let versions = model.entry((step.kind.name(), step.id.to_string())).or_default();
        assert_eq!(before.as_ref(), versions.last());
        assert_eq!(version.number as usize, versions.len() + 1);
        assert_eq!(&*version.body, step.content.as_deref().unwrap_or_default());
        let expected = match step.content {
            None => Method::Delete,
            Some(_) => Method::Update,
        };
        assert_eq!(version.method, expected);
        versions.push(version);
    }
    model
}

/// Everything of the model is found, in every way that there is.
async fn check(store: &Store, repository: &Repository, model: &Model) {
    for ((kind, id), versions) in model {
        let input = (
            repository.clone(),
            ResourceType::find(kind).expect("a type"),
            id.parse::<Id>().expect("an id"),
            versions.clone(),
        );
        store
            .read(&cx(), input, |(repository, kind, id, versions), tx| {
                Box::pin(async move {
                    let mut resources = repository.resources(tx);
                    assert_eq!(resources.find(*kind, id).await?.as_ref(), versions.last());
                    for version in versions {
                        let found = resources.find_version(*kind, id, version.number).await?;
                        assert_eq!(found.as_ref(), Some(version));
                    }
                    let beyond = versions.len() as u32 + 1;
                    assert_eq!(resources.find_version(*kind, id, beyond).await?, None);
                    for (before, limit) in [(u32::MAX, 1000), (u32::MAX, 1), (3, 2), (2, 0), (1, 5)] {
                        let older = versions.iter().rev().filter(|version| version.number < before);
                        let expected: Vec<_> = older.take(limit).cloned().collect();
                        let current = versions.last().expect("a version");
                        let numbers = (1, before - 1);
                        let listed = resources.list_versions(current, numbers, (Order::Descending, limit));
                        assert_eq!(listed.await?, expected, "before {before}, at most {limit}");
                        let newer = versions.iter().filter(|version| version.number < before);
                        let expected: Vec<_> = newer.take(limit).cloned().collect();
                        let listed = resources.list_versions(current, numbers, (Order::Ascending, limit));
                        assert_eq!(
                            listed.await?,
                            expected,
                            "before {before}, at most {limit}, oldest first"
                        );
                    }
                    Ok::<_, StoreError>(())
                })
            })
            .await
            .expect("a read");
    }
}

/// What waits for a consumer, as kind, key and body.
async fn told(store: &Store) -> Vec<(String, String, String)> {
    let (cx, owner) = (cx(), Owner::only());
    let leased = store.write(&cx, (), move |(), tx| {
        Box::pin(async move { Consumers(tx).lease("test", owner, Duration::from_secs(30)).await })
    });
    let lease: Result<Option<Lease>, StoreError> = leased.await;
    let lease = lease.expect("a write").expect("a free lease");
    let waiting = store.read(&cx, lease, |lease, tx| {
        Box::pin(async move { Consumers(tx).next(lease, 1000).await })
    });
    let waiting: Result<Vec<Event>, StoreError> = waiting.await;
    let text = |body| String::from_utf8(body).expect("text");
    let events = waiting.expect("a read").into_iter();
    events.map(|event| (event.kind, event.key, text(event.body))).collect()
}

/// What is to be told of these versions: of all in their order.
fn tellings(model: &Model) -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    for ((kind, id), versions) in model {
        let mut was_there = false;
        for version in versions {
            let change = match (was_there, version.is_there()) {
                (_, false) => "Deleted",
                (true, true) => "Updated",
                (false, true) => "Created",
            };
            was_there = version.is_there();
            let body = format!(
                r#"{{"resourceType":"{kind}","resourceFhirAccount":"fhir.test/ch/fhir","resourceFhirId":"{id}","resourceVersionId":{}}}"#,
                version.number
            );
            let key = format!("fhir.test/ch/fhir/{kind}/{id}");
            let change = format!("Microsoft.HealthcareApis.FhirResource{change}");
            all.push((version.seq, (change, key, body)));
        }
    }
    all.sort();
    all.into_iter().map(|(_, told)| told).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn each_version_is_told_once_where_the_service_tells(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let telling = Repository::telling(extract, "https://fhir.test/ch/fhir/");
            for (repository, tells) in [(telling, true), (Repository::new(extract), false)] {
                let dir = tempfile::tempdir().expect("a temporary directory");
                let store = open_store(dir.path(), &repository).await.expect("a store");
                let cx = cx();
                let added = store.write(&cx, (), |(), tx| Box::pin(async move { Consumers(tx).add("test", "").await }));
                let added: Result<(), StoreError> = added.await;
                added.expect("a consumer");
                let model = run(&store, &repository, &steps).await;
                let expected = if tells { tellings(&model) } else { Vec::new() };
                assert_eq!(told(&store).await, expected);
                store.close().await.expect("merged");
            }
        });
    }

    #[test]
    fn the_journal_alone_makes_the_same_index(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let dir = tempfile::tempdir().expect("a temporary directory");
            let repository = Repository::new(extract);
            let store = open_store(dir.path(), &repository).await.expect("a store");
            let model = run(&store, &repository, &steps).await;
            check(&store, &repository, &model).await;
            let keys = index_keys(&store, &cx()).await;

            let cut = crashed(dir.path());
            let repository = Repository::new(extract);
            let again = open_store(cut.path(), &repository).await.expect("a store");
            assert_eq!(index_keys(&again, &cx()).await, keys, "made again from the journal");
            check(&again, &repository, &model).await;

            store.close().await.expect("merged");
            let merged = open_store(dir.path(), &repository).await.expect("a store");
            assert_eq!(index_keys(&merged, &cx()).await, keys, "merged into the table");
            check(&merged, &repository, &model).await;
        });
    }
}

/// How many keys there are of each kind; which number an id has, and how many were given for nothing, may differ.
async fn count_by_kind(store: &Store) -> BTreeMap<u8, usize> {
    let mut counts = BTreeMap::new();
    for key in index_keys(store, &cx()).await.iter().filter(|key| key[0] > 1) {
        *counts.entry(key[0]).or_default() += 1;
    }
    counts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn an_index_of_an_older_form_is_made_again(steps in steps(), merged in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let whole = tempfile::tempdir().expect("a temporary directory");
            let repository = Repository::new(extract);
            let store = open_store(whole.path(), &repository).await.expect("a store");
            run(&store, &repository, &steps).await;
            let expected = count_by_kind(&store).await;

            let dir = tempfile::tempdir().expect("a temporary directory");
            let older = Repository::of_form(1, extract_less);
            let store = open_store(dir.path(), &older).await.expect("a store");
            let model = run(&store, &older, &steps).await;
            if merged {
                store.close().await.expect("merged");
            }
            drop(store);
            let dir = crashed(dir.path());
            let repository = Repository::of_form(2, extract);
            let store = open_store(dir.path(), &repository).await.expect("a store");
            assert_eq!(count_by_kind(&store).await, expected, "of the newer form");
            check(&store, &repository, &model).await;
            let keys = index_keys(&store, &cx()).await;

            // What was made of it lasts, and is made once.
            let cut = crashed(dir.path());
            let again = open_store(cut.path(), &repository).await.expect("a store");
            assert_eq!(index_keys(&again, &cx()).await, keys, "after a crash");
            store.close().await.expect("merged");
            let again = open_store(dir.path(), &repository).await.expect("a store");
            assert_eq!(index_keys(&again, &cx()).await, keys, "after a restart");
            check(&again, &repository, &model).await;
        });
    }
}

/// Rows of a superseded version are gone, and those of a deleted resource.
#[tokio::test]
async fn the_index_holds_what_is_current_and_no_more() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let repository = Repository::new(extract);
    let store = open_store(dir.path(), &repository).await.expect("a store");
    let step = |content: Option<&str>| Step {
        kind: ResourceType::find("Observation").expect("a type"),
        id: "o".parse().expect("an id"),
        content: content.map(str::to_owned),
        fails: false,
    };
    let kinds = |keys: Vec<Vec<u8>>| keys.iter().map(|key| key[0]).collect::<Vec<_>>();
    let full = r#"{"subject":"Patient/a","system":"urn:x","name":"n","days":1}"#;
    let mut seen = Vec::new();
    for content in [Some(full), Some("{}"), None, Some(full)] {
        put(&store, &repository, &step(content), START).await.expect("a write");
        seen.push(kinds(index_keys(&store, &cx()).await));
    }
    let everything = [1, 1, 2, 4, 5, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x17];
    assert_eq!(seen[0], everything);
    assert_eq!(seen[1], [1, 1, 2, 3, 4, 5, 6], "no value is left");
    assert_eq!(seen[2], [1, 1, 2, 3, 3, 5, 6, 6, 6], "not listed by update either");
    let mut again = everything.to_vec();
    again.splice(5..5, [6, 6, 6]);
    again.splice(3..3, [3, 3, 3]);
    assert_eq!(seen[3], again);
}

/// A clock that goes back does not turn the history around, and a system's URI of any length is kept within a key.
#[tokio::test]
async fn odd_instants_and_uris() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let repository = Repository::new(extract);
    let store = open_store(dir.path(), &repository).await.expect("a store");
    let uri = format!("urn:{}", "é".repeat(3000));
    let step = Step {
        kind: ResourceType::find("Observation").expect("a type"),
        id: "o".parse().expect("an id"),
        content: Some(format!(r#"{{"system":"{uri}"}}"#)),
        fails: false,
    };
    let (first, _) = put(&store, &repository, &step, START).await.expect("a write");
    let (second, _) = put(&store, &repository, &step, START - 5000).await.expect("a write");
    assert_eq!((first.number, second.number), (1, 2));
    assert_eq!(second.updated, first.updated);
}
