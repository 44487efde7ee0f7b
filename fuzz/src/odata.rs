//! Query options of the directory API. Input: `$filter`, `$orderby`, `$search`, `$expand`, then an entity as JSON, each on a
//! line.
//!
//! Laws: a filter is printed and read again unchanged; what it demands of a property every entity has that it finds; an
//! option that is read is read the same in whatever case its name is.

use hygie_odata::{Consistency, EntityType, Kind, Pin, Property, Query};
use serde_json::Value;

use crate::{Target, text_lines, texts};

pub const TARGET: Target = Target {
    name: "odata",
    run,
    seeds,
    words: r#"
        displayName id level createdDateTime accountEnabled phones info/ids roles/any(r:r/value ne ge has in and or not ( )
        startsWith( endsWith( contains( ,'a') '' null true 2026-11-21T08:30:00Z /$count /any( x:x eq desc asc "displayName: AND OR
        members($select=id)"#,
};

const INFO: &[Property] = &[Property::new("ids", Kind::List(&Kind::Text))];
const ROLE: &[Property] = &[Property::new("value", Kind::Text), Property::new("isOn", Kind::Flag)];

static THING: EntityType = EntityType {
    name: "thing",
    properties: &[
        Property::new("id", Kind::Text),
        Property::new("displayName", Kind::Text),
        Property::new("accountEnabled", Kind::Flag),
        Property::new("level", Kind::Number),
        Property::new("createdDateTime", Kind::Instant),
        Property::new("phones", Kind::List(&Kind::Text)),
        Property::new("info", Kind::Complex(INFO)),
        Property::new("roles", Kind::List(&Kind::Complex(ROLE))),
    ],
    navigations: &["members"],
};

fn seeds() -> Vec<Vec<u8>> {
    texts(&[
        "displayName eq 'A''b' and level ge 3\ndisplayName desc,id\n\"displayName:a\"\nmembers($select=id)\n{\"displayName\":\"a'B\",\"level\":3}",
        "not (startsWith(displayName,'a') or phones/any(p:p eq '1'))\n\n\n\n{\"displayName\":\"b\",\"phones\":[\"2\"]}",
        "id in ('x','y') and roles/any(r:r/value has 'a, b' and r/isOn ne true)\n\n\"id:x\" OR \"displayName:y\"\n\n{\"id\":\"X\",\"roles\":[{\"value\":\"b,a\",\"isOn\":false}]}",
        "info/ids/$count gt 1 and createdDateTime lt 2026-11-21\ncreatedDateTime\n\n\n{\"info\":{\"ids\":[\"1\",\"2\"]},\"createdDateTime\":\"2025-01-01T00:00:00Z\"}",
    ])
}

fn run(input: &[u8]) {
    let [filter, order, search, expand, entity] = text_lines(input);
    let entity: Value = serde_json::from_str(entity).unwrap_or_default();
    let read = |name: &str, text: &str| Query::parse([(name, text), ("$count", "true")], &THING, Consistency::Eventual);
    for (name, other, text) in [
        ("$orderby", "ORDERBY", order),
        ("$search", "Search", search),
        ("$expand", "$EXPAND", expand),
        ("$filter", "Filter", filter),
    ] {
        assert_eq!(read(name, text), read(other, text), "{name}");
    }
    if let Ok(Some(search)) = read("$search", search).map(|query| query.search) {
        search.matches(&entity);
    }
    let Ok(Some(filter)) = read("$filter", filter).map(|query| query.filter) else {
        return;
    };
    let printed = filter.to_string();
    // Printed with every parenthesis it may be longer and deeper than what is read.
    if let Ok(Some(again)) = read("$filter", &printed).map(|query| query.filter) {
        assert_eq!(again.matches(&entity), filter.matches(&entity), "{printed}");
    }
    if !filter.matches(&entity) {
        return;
    }
    for property in ["id", "displayName"] {
        let found = entity[property].as_str().map(str::to_lowercase);
        let has = match filter.pin(property) {
            None => true,
            Some(Pin::OneOf(texts)) => found.is_some_and(|found| texts.contains(&found.as_str())),
            Some(Pin::StartsWith(text)) => found.is_some_and(|found| found.starts_with(text)),
        };
        assert!(has, "{printed} found what it does not demand");
    }
}
