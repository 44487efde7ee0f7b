//! Parts of a resource: what a search answers with when it does not want the whole.
//! <http://hl7.org/fhir/R4/search.html#summary>, <http://hl7.org/fhir/R4/search.html#elements>
//!
//! What is kept stands byte for byte as in the resource. Type, `id` and `meta` are always there, and elements that the
//! definition requires; `meta` says by a tag that the resource is not whole.

use crate::json::{Document, Json, Kind, quote};
use crate::names::Name;
use crate::resource_type::ResourceType;
use crate::tables::{Field, Schema, TypeId, TypeKind, definitions};

/// Which part of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subset {
    /// The elements that the definitions mark as summary, on every level.
    Summary,
    /// The narrative.
    Text,
    /// All but the narrative.
    Data,
    /// These elements of the resource.
    Elements(Vec<String>),
}

/// The tag of a resource that is not whole.
const SUBSETTED: &str = r#"{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}"#;

/// Whether a type of resources has this element.
pub fn has_element(kind: ResourceType, element: &str) -> bool {
    let schema = &definitions().schema;
    let fields = schema.of_resource(kind).map(|id| schema.fields(id)).unwrap_or_default();
    fields.iter().any(|field| field.element(field.name.text()) == element)
}

impl Subset {
    /// The part of a valid resource as JSON text; the resource itself when its type is not known.
    pub fn cut(&self, resource: &Document) -> String {
        let schema = &definitions().schema;
        let root = resource.root();
        let Some(id) = type_of(schema, root) else {
            return resource.source().to_owned();
        };
        let mut members = Vec::new();
        for member in root.members() {
            let name = member.name();
            let text = match schema.field(id, name) {
                None if name == Name::RESOURCE_TYPE => Some(member.raw().to_owned()),
                None => None,
                Some(_) if name == Name::META && !member.is_primitive_extension() => Some(tagged(member)),
                Some(field) => self.element(schema, (id, field), member),
            };
            members.extend(text.map(|text| member_text(member, &text)));
        }
        if root.get(Name::META).is_none() {
            members.push(format!(r#""meta":{{"tag":[{SUBSETTED}]}}"#));
        }
        object_text(&members)
    }

    /// The text of an element of the resource, if any of it is kept.
    fn element(&self, schema: &Schema, (owner, field): (TypeId, &Field), member: Json<'_>) -> Option<String> {
        let is_required = schema.required(owner) & (1 << field.group) != 0;
        let is_kept = is_required
            || field.name == Name::ID
            || match self {
                Self::Summary => return summary(schema, (owner, field), member),
                Self::Text => field.name == Name::TEXT,
                Self::Data => field.name != Name::TEXT,
                Self::Elements(wanted) => {
                    let element = field.element(field.name.text());
                    wanted.iter().any(|wanted| wanted == element)
                }
            };
        is_kept.then(|| member.raw().to_owned())
    }
}

fn type_of(schema: &Schema, resource: Json<'_>) -> Option<TypeId> {
    let name = resource.get_text(Name::RESOURCE_TYPE)?;
    schema.of_resource(ResourceType::find(&name)?)
}

fn member_text(member: Json<'_>, value: &str) -> String {
    format!("{}:{value}", quote(&member.key()))
}

fn object_text(members: &[String]) -> String {
    format!("{{{}}}", members.join(","))
}

/// What the summary of its type keeps of an element.
fn summary(schema: &Schema, (owner, field): (TypeId, &Field), member: Json<'_>) -> Option<String> {
    let is_required = schema.required(owner) & (1 << field.group) != 0;
    // What changes the meaning of all the rest is not part of the summary by its definition, but must not be missed.
    if !field.is_summary && !is_required && field.name != Name::MODIFIER_EXTENSION {
        return None;
    }
    if member.is_primitive_extension() {
        return Some(member.raw().to_owned());
    }
    let kept = match member.kind() {
        Kind::Array => {
            let items: Vec<String> = member.items().filter_map(|item| value(schema, field, item)).collect();
            (!items.is_empty()).then(|| format!("[{}]", items.join(",")))
        }
        _ => value(schema, field, member),
    };
    // An element that must be there and of which nothing is part of the summary stays as it is.
    kept.or_else(|| is_required.then(|| member.raw().to_owned()))
}

/// What is kept of one value of an element.
fn value(schema: &Schema, field: &Field, value: Json<'_>) -> Option<String> {
    let kind = match schema.kind(field.kind) {
        TypeKind::Primitive(_) => return Some(value.raw().to_owned()),
        TypeKind::AnyResource => type_of(schema, value)?,
        TypeKind::Complex | TypeKind::Resource(_) => field.kind,
    };
    // Extensions and narratives have no summary of their own.
    if schema.fields(kind).iter().all(|field| !field.is_summary) {
        return Some(value.raw().to_owned());
    }
    let mut members = Vec::new();
    for member in value.members() {
        let text = match schema.field(kind, member.name()) {
            None if member.name() == Name::RESOURCE_TYPE => Some(member.raw().to_owned()),
            None => None,
            Some(field) => summary(schema, (kind, field), member),
        };
        members.extend(text.map(|text| member_text(member, &text)));
    }
    (!members.is_empty()).then(|| object_text(&members))
}

/// `meta` with the tag, once.
fn tagged(meta: Json<'_>) -> String {
    let tags = meta.find("tag");
    let is_subsetted = |tag: Json<'_>| tag.get_text(Name::CODE).is_some_and(|code| code == "SUBSETTED");
    if tags.is_some_and(|tags| tags.items().any(is_subsetted)) {
        return meta.raw().to_owned();
    }
    let mut members: Vec<String> = meta
        .members()
        .filter(|member| member.key() != "tag")
        .map(|member| member_text(member, member.raw()))
        .collect();
    let items = tags.into_iter().flat_map(Json::items).map(Json::raw);
    let items: Vec<&str> = items.chain([SUBSETTED]).collect();
    members.push(format!(r#""tag":[{}]"#, items.join(",")));
    object_text(&members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Limits;

    const PATIENT: &str = r#"{"resourceType":"Patient","id":"p","meta":{"versionId":"1","tag":[{"code":"t"}]},
        "text":{"status":"generated","div":"<div/>"},"extension":[{"url":"u","valueDecimal":1.00}],
        "modifierExtension":[{"url":"m","valueBoolean":true}],"active":true,
        "name":[{"id":"n","family":"Martin","extension":[{"url":"u"}]},{"id":"alone"}],"_birthDate":{"id":"b"},
        "deceasedBoolean":false,"photo":[{"title":"x"}],"contact":[{"gender":"male"}],
        "link":[{"other":{"reference":"Patient/2"},"type":"seealso"}]}"#;

    fn cut(subset: &Subset, text: &str) -> serde_json::Value {
        let document = Document::parse(text, &Limits::default()).expect("JSON");
        serde_json::from_str(&subset.cut(&document)).expect("JSON")
    }

    fn keys(value: &serde_json::Value) -> Vec<&str> {
        value
            .as_object()
            .expect("an object")
            .keys()
            .map(String::as_str)
            .collect()
    }

    #[test]
    fn the_summary_is_what_the_definitions_mark() {
        let found = cut(&Subset::Summary, PATIENT);
        let expected = [
            "_birthDate",
            "active",
            "deceasedBoolean",
            "id",
            "link",
            "meta",
            "modifierExtension",
            "name",
            "resourceType",
        ];
        let mut found_keys = keys(&found);
        found_keys.sort_unstable();
        assert_eq!(found_keys, expected);
        assert_eq!(found["name"], serde_json::json!([{ "family": "Martin" }]));
        assert_eq!(found["modifierExtension"][0]["valueBoolean"], true);
        assert_eq!(found["meta"]["tag"][0]["code"], "t");
        assert_eq!(found["meta"]["tag"][1]["code"], "SUBSETTED");
        assert_eq!(found["meta"]["versionId"], "1");
    }

    #[test]
    fn other_parts() {
        let without_text = cut(&Subset::Data, PATIENT);
        assert!(without_text.get("text").is_none());
        assert_eq!(without_text["photo"][0]["title"], "x");
        assert_eq!(
            keys(&cut(&Subset::Text, PATIENT)),
            ["resourceType", "id", "meta", "text"]
        );
        let elements = Subset::Elements(vec!["deceased".to_owned(), "birthDate".to_owned()]);
        let expected = ["resourceType", "id", "meta", "_birthDate", "deceasedBoolean"];
        assert_eq!(keys(&cut(&elements, PATIENT)), expected);
        let observation = r#"{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueString":"v"}"#;
        let nothing = cut(&Subset::Elements(Vec::new()), observation);
        assert_eq!(
            keys(&nothing),
            ["resourceType", "status", "code", "meta"],
            "what is required stays"
        );
    }

    #[test]
    fn a_part_of_a_part_is_tagged_once() {
        let document = Document::parse(PATIENT, &Limits::default()).expect("JSON");
        let once = Document::parse(Subset::Summary.cut(&document), &Limits::default()).expect("JSON");
        assert_eq!(Subset::Summary.cut(&once).matches("SUBSETTED").count(), 1);
    }

    #[test]
    fn elements_are_known_by_the_names_of_the_definition() {
        let patient = ResourceType::find("Patient").expect("a type");
        for (element, expected) in [
            ("name", true),
            ("deceased", true),
            ("id", true),
            ("deceasedBoolean", false),
            ("x", false),
        ] {
            assert_eq!(has_element(patient, element), expected, "{element}");
        }
    }
}
