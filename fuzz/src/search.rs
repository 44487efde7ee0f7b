//! Searches over a small store. Input: `Type?parameter=value&…`, then on a second line a continuation.
//!
//! Laws: the pages of a search hold each match once and nothing else, a match being what reading every resource finds; a
//! continuation that we did not give brings an error or matches.

use std::sync::LazyLock;

use hygie_core::{Clock, Cx, ErrorKind, Fault, Timestamp};
use hygie_fhir_model::json::{Document, Limits};
use hygie_fhir_model::{Id, ResourceType};
use hygie_fhir_store::index::extract::extract;
use hygie_fhir_store::repo::{Change, Repository, Version, Write};
use hygie_fhir_store::search::{Asked, Continuation, Handling, Page, Query, SearchError, Total, holds, page, parse};
use hygie_store::{Store, StoreError};
use tempfile::TempDir;

use crate::world::{BASE, Door};
use crate::{Target, text_lines, texts};

pub const TARGET: Target = Target {
    name: "search",
    run,
    seeds,
    words: r"
        Patient? Observation? Encounter? identifier= family= family:exact= family:contains= given= name=
        birthdate= gender= active= code= code:text= code:not= status= date= subject= subject:Patient= patient=
        performer= patient.name= subject:Patient. _has:Observation:patient:code= _include=Observation:subject _revinclude:iterate=* _id= _lastUpdated= value-quantity= code-value-quantity= $ || mm[Hg] 5.4 1e2 _profile:below= _profile:above= http://acme.org/fhir/ _count= _sort= -date _total=accurate _summary=true _elements= _tag= :missing=true :missing=false ge lt sa eb ap ne
        2026-01 2026-02-10 http://loinc.org|8480-6 | , \, & Patient/p1 https://localhost:8446/demo/fhir/Patient/p1
        final martin AAA AQA AgA AwA BAA",
};

/// A store with its resources.
struct World {
    door: Door,
    cx: Cx,
    store: Store,
    repository: Repository,
    all: Vec<Version>,
    _directory: TempDir,
}

static WORLD: LazyLock<World> = LazyLock::new(World::new);

impl World {
    fn new() -> Self {
        let door = Door::new();
        let directory = tempfile::tempdir().expect("a directory");
        let repository = Repository::new(extract);
        let mut world = Self {
            store: door.open(directory.path(), &repository),
            cx: door.cx(),
            door,
            repository,
            all: Vec::new(),
            _directory: directory,
        };
        for n in 0..24 {
            world.put("Patient", &format!("p{n}"), &patient(n));
        }
        // More than a list takes, so that walks are taken too.
        for n in 0..160 {
            world.put("Observation", &format!("o{n}"), &observation(n));
        }
        world
    }

    fn put(&mut self, kind: &str, id: &str, body: &str) {
        let kind = ResourceType::find(kind).expect("a type");
        let id: Id = id.parse().expect("an id");
        let document = Document::parse(body, &Limits::default()).expect("JSON");
        let updated = Timestamp::from_millis(self.door.clock.now().millis() + self.all.len() as i64 % 50 * 1000);
        let input = (
            self.repository.clone(),
            kind,
            id,
            self.repository.content(kind, document),
            updated,
        );
        let written = self
            .store
            .write(&self.cx, input, |(repository, kind, id, content, updated), tx| {
                Box::pin(async move {
                    let change = Change {
                        kind: *kind,
                        id,
                        updated: *updated,
                        write: Write::Update(content),
                    };
                    repository.resources(tx).put(&change, None).await
                })
            });
        let written: Result<Version, StoreError> = self.door.runtime.block_on(written);
        self.all.push(written.expect("written"));
    }

    fn page(&self, query: &Query, after: Option<&Continuation>) -> Result<Page, SearchError> {
        let input = (self.repository.clone(), query.clone(), after.cloned());
        self.door
            .runtime
            .block_on(self.store.read(&self.cx, input, |(repository, query, after), tx| {
                Box::pin(async move { page(&mut repository.resources(tx), query, after.as_ref()).await })
            }))
    }

    fn ids(&self, query: &Query) -> Vec<&str> {
        let matches = self.all.iter().filter(|version| version.kind == query.kind);
        matches
            .filter(|version| holds(query, version, &self.all).expect("JSON"))
            .map(|version| version.id.as_str())
            .collect()
    }
}

fn patient(n: usize) -> String {
    let family = [
        "Lef\u{e8}vre",
        "LE GALL",
        "Martin",
        "Martinez",
        "N'Guyen",
        "\u{152}uvrard",
        "a,b|c\\\\d",
    ][n % 7];
    let birth = ["1980", "1980-05", "1980-05-17", "1931-12-31", "2024-02-29"][n % 5];
    let active = n.is_multiple_of(3);
    format!(
        r#"{{"resourceType":"Patient","identifier":[{{"system":"urn:oid:1.2","value":"28{n}"}},{{"value":"L{n}"}}],"active":{active},
        "name":[{{"family":"{family}","given":["Zo\u00e9","Ana{n}"]}}],"gender":"female","birthDate":"{birth}","meta":{{"tag":[{{"code":"t{}"}}]}}}}"#,
        n % 2
    )
}

fn observation(n: usize) -> String {
    let system = ["http://loinc.org", "urn:local"][n % 2];
    let day = 1 + n % 28;
    let unit = [
        r#","unit":"mmHg","system":"http://unitsofmeasure.org","code":"mm[Hg]""#,
        r#","unit":"mg""#,
        r#","unit":"mg","comparator":"<""#,
        "",
    ][n % 4];
    let effective = match n % 5 {
        0 => String::new(),
        1 => format!(r#","effectivePeriod":{{"start":"2026-01-{day:02}","end":"2026-03-{day:02}"}}"#),
        2 => format!(r#","effectivePeriod":{{"start":"2026-02-{day:02}T08:00:00+01:00"}}"#),
        3 => r#","effectiveDateTime":"2026-02""#.to_owned(),
        _ => format!(
            r#","effectiveDateTime":"2026-0{}-{day:02}T10:{:02}:00Z""#,
            1 + n % 4,
            n % 60
        ),
    };
    format!(
        r#"{{"resourceType":"Observation","status":"final","code":{{"coding":[{{"system":"{system}","code":"8480-6","display":"Pression"}}]}},
        "subject":{{"reference":"Patient/p{}"}},"performer":[{{"reference":"https://ailleurs.example/fhir/Practitioner/{}"}}],
        "meta":{{"profile":["http://acme.org/fhir/{}"]}},"valueQuantity":{{"value":{}{unit}}}{effective}}}"#,
        n * n % 20,
        n % 5,
        n % 4,
        ["5.4", "5.40", "-7", "100", "1e2", "0.05"][n % 6],
    )
}

fn seeds() -> Vec<Vec<u8>> {
    texts(&[
        "Patient?family=lef&_count=3",
        "Patient?name=zoe&birthdate=ge1980&_sort=birthdate&_count=7",
        "Patient?identifier=urn:oid:1.2|281,|L3&gender=female",
        "Patient?family:exact=a\\,b\\|c\\\\d&active:missing=false&_tag=t1",
        "Observation?code=http://loinc.org|8480-6&date=ge2026-02-01&date=lt2026-03&_sort=-date&_count=20",
        "Observation?subject=Patient/p4&_sort=_lastUpdated",
        "Observation?patient=p9&status:not=amended&_count=50",
        "Observation?date:missing=true&_count=40",
        "Observation?performer=https://ailleurs.example/fhir/Practitioner/2",
        "Observation?code:text=press&date=ap2026-02&_sort=-_lastUpdated",
        "Observation?_id=o1,o2&_lastUpdated=gt2026-11-21T08:30:05Z",
        "Observation?value-quantity=le5.4||mg&_count=7",
        "Observation?value-quantity=ap100|http://unitsofmeasure.org|mm[Hg],ne1e2",
        "Observation?_profile:below=http://acme.org/&_count=9",
        "Observation?_profile:above=http://acme.org/fhir/1/2",
        "Patient?family=martin&_total=accurate&_summary=text&_count=2",
        "Observation?code=8480-6&_total=estimate&_elements=code,value&_count=0",
        "Observation?subject:Patient.family=martin&_count=9",
        "Observation?patient.name=zoe&date=ge2026-02&_include=Observation:subject&_sort=-date",
        "Patient?_has:Observation:patient:code=8480-6&_revinclude=Observation:patient&_count=3",
        "Patient?_has:Observation:subject:patient._has:Observation:patient:status=final",
        "Observation?code-value-quantity=http://loinc.org|8480-6$gt5||mg,8480-6$100&_count=5",
        "Observation?combo-code-value-quantity=8480-6$ne5.4&_sort=date",
        "Patient?_sort=family,-birthdate&_count=5",
        "Observation?code=8480-6&_sort=-date,_lastUpdated&_count=30",
        "Patient?family=martin%00%01",
        "Patient?\nAAEx",
        "Observation?_sort=date\nAgAAAAAA",
        "Patient?_total=accurate\nhAAAAAAAAAAAGA",
        "Observation?status=final\nAQBx",
    ])
}

fn run(input: &[u8]) {
    let [asked, continuation] = text_lines(input);
    let (kind, pairs) = asked.split_once('?').unwrap_or((asked, ""));
    let Some(kind) = ResourceType::find(kind) else { return };
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(pairs.as_bytes()).into_owned().collect();
    let asked = |handling| Asked {
        kind,
        pairs: &pairs,
        handling,
        base: BASE,
        now: WORLD.door.clock.now(),
        permitted: &|_| Ok(()),
    };
    let strict = parse(&asked(Handling::Strict));
    let query = match parse(&asked(Handling::Lenient)) {
        Ok(query) => query,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Invalid);
            return assert!(strict.is_err(), "strict and lenient differ");
        }
    };
    assert!(
        query.used.iter().all(|used| pairs.contains(used)),
        "what was not asked is used"
    );
    if strict.is_ok() {
        let again = parse(&Asked {
            pairs: &query.used,
            ..asked(Handling::Strict)
        })
        .expect("its own pairs");
        assert_eq!(WORLD.ids(&again), WORLD.ids(&query), "another search by its self link");
    }
    complete(&query);
    if let Ok(continuation) = Continuation::decode(continuation) {
        foreign(&query, &continuation);
    }
}

/// All pages together are the matches.
fn complete(query: &Query) {
    let mut expected = WORLD.ids(query);
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = WORLD.page(query, after.as_ref()).expect("a page");
        assert!(page.matches.len() <= query.count);
        let counted = query.total != Total::None;
        assert_eq!(page.total, counted.then_some(expected.len() as u64), "{:?}", query.used);
        if query.count == 0 {
            return assert!(page.next.is_none(), "a page after none");
        }
        assert!(
            page.next.is_none() || page.matches.len() == query.count,
            "a short page in the middle"
        );
        found.extend(page.matches.into_iter().map(|version| version.id.as_str().to_owned()));
        assert!(found.len() <= WORLD.all.len(), "the pages do not end");
        let Some(next) = page.next else { break };
        after = Some(Continuation::decode(&next.encode()).expect("its own text"));
    }
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected, "{:?}", query.used);
}

fn foreign(query: &Query, continuation: &Continuation) {
    match WORLD.page(query, Some(continuation)) {
        Ok(page) => {
            assert!(page.matches.len() <= query.count);
            assert!(
                page.matches
                    .iter()
                    .all(|version| holds(query, version, &WORLD.all).expect("JSON")),
                "not a match"
            );
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::Invalid, "{error}"),
    }
}
