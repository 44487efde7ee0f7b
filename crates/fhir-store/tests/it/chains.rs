//! Chained and reverse chained searches: every answer equals what reading all resources gives.

use std::collections::BTreeMap;

use hygie_fhir_store::repo::Version;

use crate::search::{World, equals_reading, ids, read};

/// More patients than an inner search may have matches that become ranges.
const FILLERS: usize = 510;

async fn put(world: &World, all: &mut BTreeMap<String, Version>, (kind, id): (&str, &str), body: &str) {
    let body = format!(r#"{{"resourceType":"{kind}",{body}}}"#);
    let version = world.put(kind, id, &body).await;
    all.insert(format!("{kind}/{id}"), version);
}

async fn fill(world: &World, fillers: usize) -> BTreeMap<String, Version> {
    let mut all = BTreeMap::new();
    for n in 0..6 {
        let part_of = if n > 0 {
            format!(r#","partOf":{{"reference":"Organization/o{}"}}"#, (n - 1) / 2)
        } else {
            String::new()
        };
        let body = format!(r#""name":"CH {}"{part_of}"#, ["Nord", "Sud", "Est"][n % 3]);
        put(world, &mut all, ("Organization", &format!("o{n}")), &body).await;
        let body = format!(r#""name":[{{"family":"{}"}}]"#, ["Roux", "Martin"][n % 2]);
        put(world, &mut all, ("Practitioner", &format!("d{n}")), &body).await;
        let body = format!(
            r#""type":"person","actual":true,"name":"Martin {n}","member":[{{"entity":{{"reference":"Patient/p{n}"}}}}]"#
        );
        put(world, &mut all, ("Group", &format!("g{n}")), &body).await;
    }
    for n in 0..fillers {
        put(world, &mut all, ("Patient", &format!("f{n}")), r#""active":true"#).await;
    }
    for n in 0..30 {
        let family = ["Martin", "Lefèvre", "N'Guyen"][n % 3];
        let body = format!(
            r#""active":{},"name":[{{"family":"{family}"}}],"gender":"{}"{},
            "managingOrganization":{{"reference":"Organization/o{}"}},"generalPractitioner":[{{"reference":"Practitioner/d{}"}},{{"reference":"Organization/o{}"}}]"#,
            n % 4 == 0,
            ["male", "female"][n % 2],
            if n % 8 == 7 {
                String::new()
            } else {
                format!(r#","birthDate":"19{}-05-17""#, 40 + n)
            },
            n % 6,
            n % 5,
            n % 4
        );
        put(world, &mut all, ("Patient", &format!("p{n}")), &body).await;
    }
    fill_observations(world, &mut all).await;
    for n in (0..120).step_by(17) {
        world.delete("Observation", &format!("o{n}")).await;
        all.remove(&format!("Observation/o{n}"));
    }
    world.delete("Patient", "p9").await;
    all.remove("Patient/p9");
    all
}

async fn fill_observations(world: &World, all: &mut BTreeMap<String, Version>) {
    for n in 0..120 {
        let subject = match n % 10 {
            3 => format!("Group/g{}", n % 6),
            4 => "Patient/absent".to_owned(),
            _ => format!("Patient/p{}", n * n % 30),
        };
        let code = ["8480-6", "8462-4", "2339-0"][n % 3];
        let members = if n % 7 == 0 {
            format!(r#","hasMember":[{{"reference":"Observation/o{}"}}]"#, n / 2)
        } else {
            String::new()
        };
        let body = format!(
            r#""status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"{code}"}}]}},"subject":{{"reference":"{subject}"}},
            "effectiveDateTime":"2026-0{}-{:02}","performer":[{{"reference":"Practitioner/d{}"}}],"valueQuantity":{{"value":{n},"unit":"mg"}}{members}"#,
            1 + n % 4,
            1 + n % 28,
            n % 6
        );
        put(world, all, ("Observation", &format!("o{n}")), &body).await;
    }
}

const SEARCHES: [(&str, &str); 34] = [
    ("Observation", "subject:Patient.family=martin"),
    ("Observation", "subject.name=martin"),
    ("Observation", "subject:Group.characteristic:missing=true"),
    ("Observation", "patient.name=martin,lef"),
    ("Observation", "patient.family:exact=Martin"),
    ("Observation", "patient.gender:not=male"),
    ("Observation", "patient.birthdate=lt1955&code=http://loinc.org|8480-6"),
    ("Observation", "patient.birthdate:missing=true"),
    ("Observation", "patient.active=true"),
    ("Observation", "patient.active=true&code=8480-6"),
    ("Observation", "patient.active=false&date=ge2026-02"),
    ("Observation", "patient.organization.name=CH nord"),
    ("Observation", "patient.organization.partof.name=ch"),
    (
        "Observation",
        "patient.organization=o1&performer:Practitioner.name=martin",
    ),
    ("Observation", "patient.general-practitioner:Organization.name=ch est"),
    ("Observation", "patient.general-practitioner.name=martin"),
    ("Observation", "patient._id=p4,p16"),
    ("Observation", "patient._has:Group:member:_id=g4"),
    ("Observation", "has-member.code=8480-6"),
    ("Observation", "patient.family=absent"),
    ("Patient", "_has:Observation:patient:code=8480-6"),
    (
        "Patient",
        "_has:Observation:patient:code=http://loinc.org|2339-0&gender=male",
    ),
    ("Patient", "_has:Observation:subject:value-quantity=gt100"),
    (
        "Patient",
        "_has:Observation:patient:date=ge2026-04&_has:Observation:patient:code=8480-6",
    ),
    ("Patient", "_has:Observation:patient:performer.name=roux"),
    ("Patient", "_has:Group:member:type=person"),
    (
        "Patient",
        "_has:Observation:patient:_has:Observation:has-member:status=final",
    ),
    ("Patient", "_has:Observation:patient:status=absent"),
    ("Patient", "organization.name=ch sud&active=true"),
    ("Practitioner", "_has:Patient:general-practitioner:gender=female"),
    ("Practitioner", "_has:Observation:performer:patient.family=martin"),
    (
        "Organization",
        "_has:Patient:organization:_has:Observation:patient:code=8462-4",
    ),
    ("Organization", "_has:Patient:organization:active:missing=false"),
    ("Organization", "_has:Organization:partof:partof.name=ch nord"),
];

#[tokio::test]
async fn chains_find_what_reading_all_resources_finds() {
    let world = World::new().await;
    let all = fill(&world, 0).await;
    for (kind, text) in SEARCHES {
        for form in ["_count=1000&_total=accurate", "_count=7"] {
            equals_reading(&world, &all, kind, &format!("{text}&{form}")).await;
        }
    }
    let none = ["patient.family=absent", "_has:Observation:patient:status=absent"];
    for (kind, text) in SEARCHES.iter().filter(|(_, text)| !none.contains(text)) {
        assert!(
            !world.all(&read(kind, text)).await.is_empty(),
            "{kind}?{text} finds nothing"
        );
    }
}

/// With so many patients that each candidate is asked.
#[tokio::test]
async fn chains_over_many_find_what_reading_all_resources_finds() {
    let world = World::new().await;
    let all = fill(&world, FILLERS).await;
    for (kind, text) in [
        ("Observation", "patient.active=true"),
        ("Observation", "patient.active=true&code=8480-6"),
        ("Observation", "patient.active=true&date=ge2026-02&_sort=-date"),
        ("Observation", "has-member.patient.active=true"),
        ("Observation", "subject:Patient.birthdate:missing=true"),
        ("Organization", "_has:Patient:organization:active:missing=false"),
        (
            "Organization",
            "_has:Patient:organization:active:missing=false&name=ch nord",
        ),
    ] {
        for form in ["_count=1000&_total=accurate", "_count=4"] {
            equals_reading(&world, &all, kind, &format!("{text}&{form}")).await;
        }
    }
    assert_eq!(
        world
            .all(&read("Organization", "_has:Patient:organization:active=true"))
            .await
            .len(),
        3
    );
}

/// In order of date, page by page, also where each candidate is asked.
#[tokio::test]
async fn chains_are_sorted_as_other_searches() {
    let world = World::new().await;
    fill(&world, FILLERS).await;
    for chain in ["patient.family=martin", "patient.active:missing=false"] {
        let pages = world
            .all(&read("Observation", &format!("{chain}&_sort=date&_count=5")))
            .await;
        let date = |version: &Version| {
            version
                .body
                .split("DateTime\":\"")
                .nth(1)
                .map(|rest| rest[..10].to_owned())
        };
        let dates: Vec<_> = pages.iter().map(date).collect();
        assert!(dates.is_sorted(), "{chain}: {dates:?}");
        let mut back = world
            .all(&read("Observation", &format!("{chain}&_sort=-date&_count=5")))
            .await;
        back.sort_by_key(|version| version.rid);
        let mut pages = pages;
        pages.sort_by_key(|version| version.rid);
        assert_eq!(ids(&back), ids(&pages));
    }
}
