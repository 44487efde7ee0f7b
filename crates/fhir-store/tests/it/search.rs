//! Search over a real store: every answer equals what checking each resource gives, page by page, while others write.

use std::collections::{BTreeMap, BTreeSet};

use hygie_core::Timestamp;
use hygie_fhir_model::json::{Document, Limits};
use hygie_fhir_model::{Id, ResourceType};
use hygie_fhir_store::index::extract::extract;
use hygie_fhir_store::repo::{Change, Content, Reads, Repository, Version, Write};
use hygie_fhir_store::search::{Asked, Continuation, Handling, Page, Query, SearchError, holds, page, parse};
use hygie_store::{Store, StoreError};

use crate::world::{START, cx, open_store};

const BASE: &str = "https://localhost/demo/fhir";

pub struct World {
    _dir: tempfile::TempDir,
    pub store: Store,
    repository: Repository,
    written: std::cell::Cell<i64>,
}

impl World {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let repository = Repository::new(extract);
        let store = open_store(dir.path(), &repository).await.expect("a new store");
        Self {
            _dir: dir,
            store,
            repository,
            written: std::cell::Cell::new(0),
        }
    }

    pub async fn put(&self, kind: &str, id: &str, body: &str) -> Version {
        let document = Document::parse(body.as_bytes(), &Limits::default()).expect("JSON");
        self.write(
            kind,
            id,
            Some(
                self.repository
                    .content(ResourceType::find(kind).expect("a type"), document),
            ),
        )
        .await
    }

    pub async fn delete(&self, kind: &str, id: &str) {
        self.write(kind, id, None).await;
    }

    async fn write(&self, kind: &str, id: &str, content: Option<Content>) -> Version {
        self.written.set(self.written.get() + 1);
        let updated = Timestamp::from_millis(START + self.written.get() * 1000);
        let kind = ResourceType::find(kind).expect("a type");
        let id: Id = id.parse().expect("an id");
        let input = (self.repository.clone(), kind, id, content, updated);
        let outcome: Result<Version, StoreError> = self
            .store
            .write(&cx(), input, |(repository, kind, id, content, updated), tx| {
                Box::pin(async move {
                    let mut resources = repository.resources(tx);
                    let current = resources.find(*kind, id).await?;
                    let change = Change {
                        kind: *kind,
                        id,
                        updated: *updated,
                        write: content.as_ref().map_or(Write::Delete, Write::Update),
                    };
                    resources.put(&change, current.as_ref()).await
                })
            })
            .await;
        outcome.expect("a version")
    }

    pub async fn page(&self, query: &Query, after: Option<&Continuation>) -> Result<Page, SearchError> {
        let input = (self.repository.clone(), query.clone(), after.cloned());
        self.store
            .read(&cx(), input, |(repository, query, after), tx| {
                Box::pin(async move { page(&mut repository.resources(tx), query, after.as_ref()).await })
            })
            .await
    }

    /// What the first page of a search reads.
    pub async fn reads(&self, query: &Query) -> Reads {
        let input = (self.repository.clone(), query.clone());
        let cx = cx();
        let read = self.store.read(&cx, input, |(repository, query), tx| {
            Box::pin(async move {
                let mut resources = repository.resources(tx);
                page(&mut resources, query, None).await?;
                Ok::<_, SearchError>(resources.reads())
            })
        });
        read.await.expect("a page")
    }

    pub async fn all(&self, query: &Query) -> Vec<Version> {
        let mut found = Vec::new();
        let mut after = None;
        let mut total = None;
        loop {
            let page = self.page(query, after.as_ref()).await.expect("a page");
            assert_eq!(*total.get_or_insert(page.total), page.total, "the total changes");
            assert!(
                page.matches.len() <= query.count,
                "{} matches on a page of {}",
                page.matches.len(),
                query.count
            );
            assert!(
                page.next.is_none() || page.matches.len() == query.count,
                "a short page in the middle"
            );
            found.extend(page.matches);
            let Some(next) = page.next else {
                assert!(
                    page.total.is_none_or(|total| total == found.len() as u64),
                    "{:?} of {}",
                    page.total,
                    found.len()
                );
                return found;
            };
            // As it comes back in a link.
            after = Some(Continuation::decode(&next.encode()).expect("its own text"));
            assert!(found.len() < 5000, "the pages do not end");
        }
    }
}

pub fn read(kind: &str, text: &str) -> Query {
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    let kind = ResourceType::find(kind).expect("a type");
    let now = Timestamp::from_millis(START);
    parse(&Asked {
        kind,
        pairs: &pairs,
        handling: Handling::Strict,
        base: BASE,
        now,
        permitted: &|_| Ok(()),
    })
    .unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub fn ids(versions: &[Version]) -> Vec<String> {
    versions.iter().map(|version| version.id.as_str().to_owned()).collect()
}

async fn fill_patients(world: &World, all: &mut BTreeMap<String, Version>) {
    let names = [
        "Lefèvre",
        "Lefebvre",
        "LE GALL",
        "Martin",
        "Martinez",
        "N'Guyen",
        "Œuvrard",
        "Lefèvre-Martin",
    ];
    for n in 0..40 {
        let family = names[n % names.len()];
        let other = if n % 5 == 0 {
            r#",{"family":"Martin","use":"maiden"}"#
        } else {
            ""
        };
        let birth = ["1980", "1980-05", "1980-05-17", "1931-12-31"][n % 4];
        let birth = if n % 7 == 6 {
            String::new()
        } else {
            format!(r#","birthDate":"{birth}""#)
        };
        let gender = ["male", "female", "unknown"][n % 3];
        let body = format!(
            r#"{{"resourceType":"Patient","identifier":[{{"system":"urn:oid:1.2.250.1.213.1.4.10","value":"2800{n:04}"}},{{"value":"L{n}"}}],
            "active":{},"name":[{{"family":"{family}","given":["Zoé","Ana{n}"]}}{other}],"gender":"{gender}"{birth}}}"#,
            n % 2 == 0
        );
        let version = world.put("Patient", &format!("p{n}"), &body).await;
        all.insert(format!("Patient/p{n}"), version);
    }
}

/// A hospital in small: enough observations that lists are too long and walks are taken.
async fn fill(world: &World) -> BTreeMap<String, Version> {
    let mut all = BTreeMap::new();
    fill_patients(world, &mut all).await;
    for n in 0..700_usize {
        let patient = n * n % 37;
        let (system, code) = [
            ("http://loinc.org", "8480-6"),
            ("http://loinc.org", "8462-4"),
            ("urn:local", "8480-6"),
        ][n % 3];
        let second = if n % 11 == 0 { r#",{"code":"8480-6"}"# } else { "" };
        let day = 1 + n % 28;
        let effective = match n % 9 {
            0 => String::new(),
            1 => format!(r#","effectivePeriod":{{"start":"2026-01-{day:02}","end":"2026-03-{day:02}"}}"#),
            2 => format!(r#","effectivePeriod":{{"start":"2026-02-{day:02}T08:00:00+01:00"}}"#),
            3 => r#","effectiveDateTime":"2026-02""#.to_owned(),
            _ => format!(
                r#","effectiveDateTime":"2026-{:02}-{day:02}T10:{:02}:00Z""#,
                1 + n % 4,
                n % 60
            ),
        };
        let status = if n % 97 == 0 { "amended" } else { "final" };
        let body = format!(
            r#"{{"resourceType":"Observation","status":"{status}","code":{{"coding":[{{"system":"{system}","code":"{code}","display":"Pression artérielle"}}{second}]}},
            "subject":{{"reference":"Patient/p{patient}"}},"performer":[{{"reference":"https://ailleurs.example/fhir/Practitioner/{}"}}]{effective}}}"#,
            n % 5
        );
        let id = format!("o{n}");
        let version = world.put("Observation", &id, &body).await;
        all.insert(format!("Observation/{id}"), version);
    }
    for n in (0..700).step_by(50) {
        world.delete("Observation", &format!("o{n}")).await;
        all.remove(&format!("Observation/o{n}"));
    }
    for n in (0..40).step_by(9) {
        let body = format!(r#"{{"resourceType":"Patient","name":[{{"family":"Nouveau{n}"}}],"gender":"other"}}"#);
        let version = world.put("Patient", &format!("p{n}"), &body).await;
        all.insert(format!("Patient/p{n}"), version);
    }
    all
}

const SEARCHES: [(&str, &str); 61] = [
    ("Patient", ""),
    ("Patient", "family=lef"),
    ("Patient", "family=LEFEVRE"),
    ("Patient", "family:exact=Lefèvre"),
    ("Patient", "family:contains=MART"),
    ("Patient", "family=martin,nouveau"),
    ("Patient", "given=zoe&family=le"),
    ("Patient", "name=ana1"),
    ("Patient", "gender=female"),
    ("Patient", "gender=http://hl7.org/fhir/administrative-gender|female"),
    ("Patient", "gender:not=female"),
    ("Patient", "identifier=urn:oid:1.2.250.1.213.1.4.10|28000007"),
    ("Patient", "identifier=28000007,L3"),
    ("Patient", "identifier=|L3"),
    ("Patient", "identifier=urn:oid:1.2.250.1.213.1.4.10|"),
    ("Patient", "identifier=urn:autre|28000007"),
    ("Patient", "birthdate=1980"),
    ("Patient", "birthdate=1980-05"),
    ("Patient", "birthdate=ge1980-05-17"),
    ("Patient", "birthdate=lt1950"),
    ("Patient", "birthdate=ne1980"),
    ("Patient", "birthdate:missing=true"),
    ("Patient", "birthdate:missing=false&gender=male"),
    ("Patient", "active=true&gender=male,unknown"),
    ("Patient", "_id=p3,p9,absent"),
    ("Patient", "_id=p3&gender=female"),
    ("Patient", "family=absent"),
    ("Observation", ""),
    ("Observation", "status=final"),
    ("Observation", "status=amended"),
    ("Observation", "code=8480-6"),
    ("Observation", "code=http://loinc.org|8480-6"),
    ("Observation", "code=http://loinc.org|"),
    ("Observation", "code=|8480-6"),
    ("Observation", "code=http://loinc.org|8480-6,http://loinc.org|8462-4"),
    ("Observation", "code:text=pression"),
    ("Observation", "patient=p1"),
    ("Observation", "patient=Patient/p1,Patient/p4"),
    ("Observation", "subject=Patient/p1"),
    ("Observation", "subject:Patient=p1"),
    ("Observation", "subject=https://localhost/demo/fhir/Patient/p1"),
    ("Observation", "patient=p1&code=http://loinc.org|8480-6"),
    (
        "Observation",
        "patient=p1,p4&code=http://loinc.org|8480-6,urn:local|8480-6",
    ),
    ("Observation", "patient=p1&code=8480-6&date=ge2026-02"),
    ("Observation", "patient=p1&code=http://loinc.org|"),
    ("Observation", "patient=p1&date=ge2026-02"),
    ("Observation", "code=http://loinc.org|8462-4&date=2026-02"),
    ("Observation", "code=8480-6&date=ge2026-02-10&date=lt2026-03"),
    ("Observation", "date=2026-02-14"),
    ("Observation", "date=gt2026-04-20"),
    ("Observation", "date=sa2026-04-20"),
    ("Observation", "date=eb2026-01-10"),
    ("Observation", "date=le2026-01-05"),
    ("Observation", "date=ap2026-02-01"),
    ("Observation", "date:missing=true"),
    ("Observation", "performer=https://ailleurs.example/fhir/Practitioner/3"),
    (
        "Observation",
        "performer=https://ailleurs.example/fhir/Practitioner/3&status=final&code=8462-4",
    ),
    ("Observation", "_lastUpdated=ge2026-11-18T11:15:00Z"),
    ("Observation", "_lastUpdated=lt2026-11-18T11:10:00Z&status=final"),
    ("Observation", "status=final&code:not=8480-6"),
    ("Observation", "patient=absent"),
];

#[tokio::test]
async fn every_answer_is_what_checking_each_resource_gives() {
    let world = World::new().await;
    let all = fill(&world).await;
    for (kind, text) in SEARCHES {
        for sort in [
            "",
            "_sort=_lastUpdated",
            "_sort=-_lastUpdated",
            "_sort=date",
            "_sort=-date",
            "_sort=family",
            "_sort=-birthdate",
        ] {
            let of_kind = match sort {
                "_sort=date" | "_sort=-date" => kind == "Observation",
                "_sort=family" | "_sort=-birthdate" => kind == "Patient",
                _ => true,
            };
            for count in [7, 1000] {
                if !of_kind || (count == 7 && sort.contains("lastUpdated")) {
                    continue;
                }
                let total = if sort.is_empty() { "accurate" } else { "none" };
                let form = format!("_count={count}&_total={total}");
                equals_reading(&world, &all, kind, &format!("{text}&{sort}&{form}")).await;
            }
        }
    }
}

/// The pages of a search together are the matches that reading each resource gives; how many they are.
pub async fn equals_reading(world: &World, all: &BTreeMap<String, Version>, kind: &str, text: &str) -> usize {
    let query = read(kind, text);
    let found = ids(&world.all(&query).await);
    let others: Vec<Version> = all.values().cloned().collect();
    let expected: BTreeSet<String> = all
        .iter()
        .filter(|(name, version)| name.starts_with(kind) && holds(&query, version, &others).expect("a check"))
        .map(|(_, version)| version.id.as_str().to_owned())
        .collect();
    let unique: BTreeSet<String> = found.iter().cloned().collect();
    assert_eq!(unique.len(), found.len(), "{kind}?{text} repeats");
    let missing: Vec<_> = expected.difference(&unique).collect();
    let more: Vec<_> = unique.difference(&expected).collect();
    assert!(
        missing.is_empty() && more.is_empty(),
        "{kind}?{text}: missing {missing:?}, too many {more:?}"
    );
    found.len()
}

#[tokio::test]
async fn sorted_answers_are_in_order_and_what_has_no_value_comes_last() {
    let world = World::new().await;
    fill(&world).await;
    let updated = world
        .all(&read("Observation", "status=final&_sort=-_lastUpdated"))
        .await;
    assert!(updated.windows(2).all(|pair| pair[0].updated >= pair[1].updated));
    let families = world.all(&read("Patient", "_sort=family&_count=9")).await;
    let family = |version: &Version| {
        let document = Document::parse(version.body.as_bytes(), &Limits::default()).expect("JSON");
        let name = document
            .root()
            .find("name")
            .and_then(|name| name.items().next())
            .expect("a name");
        hygie_fhir_model::fold(
            &name
                .find("family")
                .and_then(hygie_fhir_model::json::Json::text)
                .expect("a family"),
        )
        .into_owned()
    };
    let names: Vec<_> = families
        .iter()
        .filter(|version| !version.body.contains("maiden"))
        .map(family)
        .collect();
    assert!(names.windows(2).all(|pair| pair[0] <= pair[1]), "{names:?}");
    let births = world.all(&read("Patient", "_sort=-birthdate&_count=4")).await;
    let has: Vec<bool> = births
        .iter()
        .map(|version| version.body.contains("birthDate"))
        .collect();
    assert!(
        has.windows(2).all(|pair| pair[0] >= pair[1]),
        "without a birth date comes last: {has:?}"
    );
}

/// Pages neither skip nor repeat what did not change while others were written, changed and deleted between them.
#[tokio::test]
async fn pages_are_stable_beside_writes() {
    for text in [
        "code=8480-6&_count=20",
        "status=final&_sort=-date&_count=20",
        "_sort=_lastUpdated&_count=20",
        "patient=p1&_count=3",
    ] {
        let world = World::new().await;
        let all = fill(&world).await;
        let query = read("Observation", text);
        let touched = |n: usize| n % 3 == 1;
        let mut seen: Vec<String> = Vec::new();
        let (mut after, mut round) = (None, 0);
        loop {
            let page = world.page(&query, after.as_ref()).await.expect("a page");
            seen.extend(ids(&page.matches));
            let Some(next) = page.next else { break };
            after = Some(next);
            let body = r#"{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"subject":{"reference":"Patient/p1"},"effectiveDateTime":"2026-02-14T09:00:00Z"}"#;
            world.put("Observation", &format!("n{round}"), body).await;
            let n = 1 + 3 * round;
            world.put("Observation", &format!("o{n}"), body).await;
            world
                .delete("Observation", &format!("o{}", 1 + 3 * (200 - round % 100)))
                .await;
            round += 1;
        }
        for (name, version) in &all {
            let Some(n) = name.strip_prefix("Observation/o").and_then(|n| n.parse::<usize>().ok()) else {
                continue;
            };
            if touched(n) {
                continue;
            }
            let times = seen.iter().filter(|id| **id == format!("o{n}")).count();
            assert_eq!(
                times,
                usize::from(holds(&query, version, &[]).expect("a check")),
                "{text}: o{n}"
            );
        }
    }
}

#[tokio::test]
async fn what_was_changed_or_deleted_is_not_found_by_its_old_values() {
    let world = World::new().await;
    world
        .put(
            "Patient",
            "a",
            r#"{"resourceType":"Patient","name":[{"family":"Ancien"}]}"#,
        )
        .await;
    world
        .put(
            "Patient",
            "a",
            r#"{"resourceType":"Patient","name":[{"family":"Neuf"}]}"#,
        )
        .await;
    assert!(world.all(&read("Patient", "family=ancien")).await.is_empty());
    assert_eq!(ids(&world.all(&read("Patient", "family=neuf")).await), ["a"]);
    world.delete("Patient", "a").await;
    assert!(world.all(&read("Patient", "family=neuf")).await.is_empty());
    assert!(world.all(&read("Patient", "")).await.is_empty());
}

/// Of a thousand candidates the share of matches is known, of the others only how many there are.
#[tokio::test]
async fn an_estimate_is_near_the_number_of_matches() {
    let world = World::new().await;
    for n in 0..1500 {
        let gender = ["male", "female", "other"][n % 3];
        let body = format!(r#"{{"resourceType":"Patient","gender":"{gender}"}}"#);
        world.put("Patient", &format!("p{n}"), &body).await;
    }
    let total = async |text: &str| {
        let page = world.page(&read("Patient", text), None).await.expect("a page");
        page.total.expect("a total")
    };
    assert_eq!(total("gender:not=male&_total=accurate").await, 1000);
    let estimate = total("gender:not=male&_total=estimate").await;
    assert!((950..1050).contains(&estimate), "{estimate}");
    assert_eq!(
        total("gender=male&_total=estimate").await,
        500,
        "known without looking at any"
    );
    assert_eq!(total("gender=male,male&_total=accurate").await, 500, "each once");
}

/// Keys hold the beginning of a long code: what has another end is not a match.
#[tokio::test]
async fn a_long_code_is_not_found_by_the_part_of_it_that_its_key_holds() {
    let world = World::new().await;
    let long = "x".repeat(140);
    let body = format!(r#"{{"resourceType":"Patient","identifier":[{{"system":"urn:a","value":"{long}"}}]}}"#);
    world.put("Patient", "a", &body).await;
    for (len, found) in [(128, 0), (140, 1)] {
        let matches = world
            .all(&read("Patient", &format!("identifier=urn:a|{}", &long[..len])))
            .await;
        assert_eq!(matches.len(), found, "{len} of 140");
    }
}
