//! Searches that are answered from what keys say: dates that are not read, chains that are gone through one after the other,
//! `_has` whose keys name the patient. Each answer equals what reading all resources gives, and each way is really taken.

use std::collections::BTreeMap;

use hygie_fhir_store::repo::Version;
use hygie_fhir_store::search::{Continuation, holds};

use crate::search::{World, equals_reading, ids, read};

type All = BTreeMap<String, Version>;

async fn put(world: &World, all: &mut All, (kind, id): (&str, &str), body: &str) {
    let version = world
        .put(kind, id, &format!(r#"{{"resourceType":"{kind}",{body}}}"#))
        .await;
    all.insert(format!("{kind}/{id}"), version);
}

/// Forty patients, most of a name that is written in two ways, each with ten observations; twenty practitioners, two for each
/// observation; appointments of two patients.
async fn fill(world: &World) -> All {
    let mut all = All::new();
    for n in 0..20 {
        let family = ["Roux", "ROUX", "Petit"][n % 3];
        put(
            world,
            &mut all,
            ("Practitioner", &format!("d{n}")),
            &format!(r#""name":[{{"family":"{family}"}}]"#),
        )
        .await;
    }
    for n in 0..40 {
        let family = ["Martin", "MARTIN", "Martin", "Petit"][n % 4];
        put(
            world,
            &mut all,
            ("Patient", &format!("p{n}")),
            &format!(r#""name":[{{"family":"{family}"}}]"#),
        )
        .await;
        let other = format!(
            r#""status":"booked","start":"2026-01-{:02}T08:00:00Z","serviceType":[{{"coding":[{{"code":"{}"}}]}}],"participant":[
            {{"status":"accepted","actor":{{"reference":"Patient/p{n}"}}}},{{"status":"accepted","actor":{{"reference":"Patient/p{}"}}}}]"#,
            n % 28 + 1,
            ["57", "58", "59", "60"][n % 4],
            n / 4,
        );
        put(world, &mut all, ("Appointment", &format!("a{n}")), &other).await;
    }
    for n in 0..400 {
        put(world, &mut all, ("Observation", &format!("o{n}")), &observation(n)).await;
    }
    all
}

fn observation(n: usize) -> String {
    let (day, month) = (n % 28 + 1, n % 12 + 1);
    let when = match n % 6 {
        0 => format!(r#","effectivePeriod":{{"start":"2026-{month:02}-{day:02}","end":"2026-12-{day:02}"}}"#),
        1 => format!(r#","effectivePeriod":{{"end":"2026-{month:02}-{day:02}"}}"#),
        2 => format!(r#","effectiveDateTime":"2026-{month:02}""#),
        3 if n.is_multiple_of(4) => String::new(),
        _ => format!(
            r#","effectiveDateTime":"2026-{month:02}-{day:02}T0{}:30:00+02:00""#,
            n % 10
        ),
    };
    let code = ["8480-6", "8462-4"][n / 40 % 2];
    format!(
        r#""status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"{code}"}}]}},"subject":{{"reference":"Patient/p{}"}},
        "performer":[{{"reference":"Practitioner/d{}"}},{{"reference":"Practitioner/d{}"}}]{when}"#,
        n % 40,
        n % 20,
        (n + 3) % 20,
    )
}

/// How the first page of a search is found.
async fn way(world: &World, kind: &str, text: &str) -> String {
    let query = read(kind, &format!("{text}&_count=7&_explain=true"));
    let page = world.page(&query, None).await.expect("a page");
    page.explained.expect("explained")
}

const THROUGH: &str = "Observation: through what one filter leads to, one after the other: ";
const ALONG: &str = "Observation: along the index of one filter, in its order: ";

#[tokio::test]
async fn chains_are_gone_through_one_after_the_other() {
    let world = World::new().await;
    let all = fill(&world).await;
    for (text, filter) in [
        (
            "patient.family:exact=Martin",
            "patient, chained (30 ranges, each key a candidate)",
        ),
        ("patient.family=mart", "patient, chained (30 ranges, each key a match)"),
        (
            "patient.family:exact=Martin&code=8480-6",
            "patient, chained (30 ranges, each key a candidate)",
        ),
        (
            "patient.family:exact=MARTIN&date=ge2026-03-05&date=lt2026-11",
            "patient, chained (30 ranges, each key a candidate)",
        ),
        (
            "subject:Patient.family:exact=Martin&status=final",
            "subject, chained (30 ranges, each key a candidate)",
        ),
        (
            "performer:Practitioner.name:exact=Roux",
            "performer, chained (7 ranges, each key a match)",
        ),
        (
            "performer:Practitioner.name=roux&code:not=8480-6",
            "performer, chained (14 ranges, each key a match)",
        ),
    ] {
        let found = way(&world, "Observation", text).await;
        // What refers to several is found in an order of its own.
        let way = if text.starts_with("performer") { ALONG } else { THROUGH };
        assert!(found.starts_with(&format!("{way}{filter}")), "{text}: {found}");
        for form in ["_count=1000&_total=accurate", "_count=7"] {
            assert!(equals_reading(&world, &all, "Observation", &format!("{text}&{form}")).await > 7);
        }
    }
    // In an order it is walked along, and then each match is checked first.
    let sorted = way(&world, "Observation", "patient.family:exact=Martin&_sort=date").await;
    let expected = format!("{ALONG}patient, chained (20 ranges, each key a match)");
    assert!(sorted.starts_with(&expected), "{sorted}");
    equals_reading(
        &world,
        &all,
        "Observation",
        "patient.family:exact=Martin&_sort=date&_count=9",
    )
    .await;
}

/// Pages neither skip nor repeat what did not change while patients and observations come, change and go between them.
#[tokio::test]
async fn pages_through_chains_are_stable_beside_writes() {
    for text in [
        "patient.family:exact=Martin&_count=9",
        "performer:Practitioner.name:exact=Roux&_count=9",
    ] {
        let world = World::new().await;
        let all = fill(&world).await;
        let query = read("Observation", text);
        let (mut seen, mut after, mut round): (Vec<String>, Option<Continuation>, usize) = (Vec::new(), None, 0);
        loop {
            let page = world.page(&query, after.as_ref()).await.expect("a page");
            seen.extend(ids(&page.matches));
            let Some(next) = page.next else { break };
            after = Some(next);
            let patient = r#"{"resourceType":"Patient","name":[{"family":"Martin"}]}"#;
            world.put("Patient", &format!("n{round}"), patient).await;
            let n = 1 + 3 * round % 400;
            world
                .put(
                    "Observation",
                    &format!("n{round}"),
                    &format!(r#"{{"resourceType":"Observation",{}}}"#, observation(n)),
                )
                .await;
            world
                .put(
                    "Observation",
                    &format!("o{n}"),
                    &format!(r#"{{"resourceType":"Observation",{}}}"#, observation(n + 1)),
                )
                .await;
            world.delete("Observation", &format!("o{}", (n + 60) / 3 * 3 + 1)).await;
            round += 1;
        }
        assert!(round > 15, "{text}");
        let others: Vec<Version> = all.values().cloned().collect();
        for n in (0..400).filter(|n| n % 3 != 1) {
            let version = &all[&format!("Observation/o{n}")];
            let times = seen.iter().filter(|id| **id == format!("o{n}")).count();
            let expected = usize::from(holds(&query, version, &others).expect("a check"));
            assert_eq!(times, expected, "{text}: o{n}");
        }
    }
}

/// A resource that always refers to some match comes once, whichever of those that it refers to is one at the moment.
#[tokio::test]
async fn pages_through_chains_are_stable_while_what_they_lead_to_changes() {
    let world = World::new().await;
    fill(&world).await;
    let query = read("Observation", "performer:Practitioner.name:exact=Roux&_count=9");
    let is_roux = |n: usize| n.is_multiple_of(3);
    let roux: Vec<usize> = (0..20).filter(|n| is_roux(*n)).collect();
    let (mut seen, mut after, mut round): (Vec<String>, Option<Continuation>, usize) = (Vec::new(), None, 0);
    loop {
        let page = world.page(&query, after.as_ref()).await.expect("a page");
        seen.extend(ids(&page.matches));
        let Some(next) = page.next else { break };
        after = Some(next);
        // One at a time is called otherwise.
        for (at, family) in [(round, "Roux"), (round + 1, "Petit")] {
            let number = roux[at * 5 % roux.len()];
            let body = format!(r#"{{"resourceType":"Practitioner","name":[{{"family":"{family}"}}]}}"#);
            world.put("Practitioner", &format!("d{number}"), &body).await;
        }
        round += 1;
    }
    assert!(round > 15, "{round}");
    let mut always = 0;
    for n in 0..400 {
        if is_roux(n % 20) && is_roux((n + 3) % 20) {
            let times = seen.iter().filter(|id| **id == format!("o{n}")).count();
            assert_eq!(times, 1, "o{n}");
            always += 1;
        }
    }
    assert!(always > 50, "{always}");
}

#[tokio::test]
async fn what_keys_by_code_name_is_not_looked_up() {
    let world = World::new().await;
    let all = fill(&world).await;
    for text in [
        "_has:Observation:patient:code=8480-6",
        "_has:Observation:patient:code=http://loinc.org|8462-4,absent",
        // Two patients each: the keys name none.
        "_has:Appointment:patient:service-type=57",
        "_has:Appointment:patient:service-type=58&family:exact=MARTIN",
        "_has:Observation:patient:date=ge2026-11",
        "_has:Observation:subject:code=8480-6",
    ] {
        for form in ["_count=1000&_total=accurate", "_count=7"] {
            assert!(
                equals_reading(&world, &all, "Patient", &format!("{text}&{form}")).await > 0,
                "{text}"
            );
        }
    }
    // The patients of two hundred observations, without reading any of these.
    let query = read("Patient", "_has:Observation:patient:code=8480-6&_count=5");
    let page = world.page(&query, None).await.expect("a page");
    assert_eq!(page.matches.len(), 5);
    let reads = world.reads(&query).await;
    assert!(reads.versions <= 6 && reads.ranges < 200, "{reads:?}");
}

#[tokio::test]
async fn dates_are_answered_from_the_index_where_it_keeps_enough() {
    let world = World::new().await;
    let all = fill(&world).await;
    for prefix in ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"] {
        for date in ["2026", "2026-06", "2026-06-15", "2026-06-15T06:30:00Z"] {
            for text in [
                format!("code=8480-6&date={prefix}{date}"),
                format!("patient=p7,p8&date={prefix}{date},lt2026-02"),
            ] {
                equals_reading(
                    &world,
                    &all,
                    "Observation",
                    &format!("{text}&_count=1000&_total=accurate"),
                )
                .await;
            }
        }
    }
    let text = "code=8480-6&date=ge2026-03-10&date=le2026-08-20";
    let form = ["_count=1000&_total=accurate", "_count=7"];
    for form in form {
        assert!(equals_reading(&world, &all, "Observation", &format!("{text}&{form}")).await > 20);
    }
    let found = way(&world, "Observation", text).await;
    let asked = "date (its date in the index, and the resource where that leaves it open)";
    assert!(
        found.ends_with(&format!("each candidate is asked: {asked}, {asked}")),
        "{found}"
    );
}

/// A page of a code within a range of dates costs as much however many of its resources are about the first day of the range.
#[tokio::test]
async fn what_lies_at_the_bounds_of_a_range_is_not_read() {
    let world = World::new().await;
    let mut all = All::new();
    // Three hundred on the two days before, three on the last day, three after it.
    for n in 0..306 {
        let when = match n {
            0..150 => "2026-03-08",
            150..300 => "2026-03-09T22:15:30Z",
            300..303 => "2026-03-10T10:00:00Z",
            _ => "2026-03-11",
        };
        let body = format!(
            r#""status":"final","code":{{"coding":[{{"code":"8480-6"}}]}},"subject":{{"reference":"Patient/p"}},"effectiveDateTime":"{when}""#
        );
        put(&world, &mut all, ("Observation", &format!("o{n}")), &body).await;
    }
    for text in [
        "code=8480-6&date=ge2026-03-10&date=le2026-03-10",
        "patient=p&date=ge2026-03-10&date=le2026-03-10",
        "code=8480-6&date=ge2026-03-10&date=le2026-03-10&_sort=date",
    ] {
        assert_eq!(equals_reading(&world, &all, "Observation", text).await, 3);
        let reads = world.reads(&read("Observation", text)).await;
        assert!(reads.versions == 3 && reads.ranges < 20, "{text}: {reads:?}");
    }
}

/// A chain over a name that many have: their keys are read, and of them themselves those that the page needs.
#[tokio::test]
async fn a_chain_to_more_than_five_hundred_is_gone_through() {
    let world = World::new().await;
    let mut all = All::new();
    for n in 0..520 {
        let family = ["Martin", "MARTIN"][n % 2];
        let (name, patient) = (format!(r#""name":[{{"family":"{family}"}}]"#), format!("p{n}"));
        put(&world, &mut all, ("Patient", &patient), &name).await;
        let body = format!(
            r#""status":"final","code":{{"coding":[{{"code":"8480-6"}}]}},"subject":{{"reference":"Patient/{patient}"}}"#
        );
        put(&world, &mut all, ("Observation", &format!("o{n}")), &body).await;
    }
    let text = "patient.family:exact=Martin&code=8480-6";
    let found = way(&world, "Observation", text).await;
    let expected = format!("{THROUGH}patient, chained (520 ranges, each key a candidate)");
    assert!(found.starts_with(&expected), "{found}");
    let query = read("Observation", &format!("{text}&_count=7"));
    let reads = world.reads(&query).await;
    // Eight matches, and the sixteen patients up to the last of them.
    assert!(reads.versions <= 24, "{reads:?}");
    let page = world.page(&query, None).await.expect("a page");
    let is_martin = |id: &str| id[1..].parse::<usize>().is_ok_and(|n| n.is_multiple_of(2));
    assert!(page.matches.len() == 7 && page.matches.iter().all(|found| is_martin(found.id.as_str())));
}
