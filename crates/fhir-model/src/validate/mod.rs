//! Structural validation: what every create and update checks. Elements known and of the right JSON kind, arrays where
//! elements repeat, primitives of the right form, required elements there, one type per choice, codes of required
//! value sets. <http://hl7.org/fhir/R4/validation.html>, <http://hl7.org/fhir/R4/json.html>
//!
//! Profiles, invariants, slicing and the targets of references are not looked at.

mod issue;

pub use issue::{Invalid, Issue, IssueCode};

use std::fmt::Write as _;

use crate::json::{Document, Json, Kind};
use crate::names::Name;
use crate::narrative;
use crate::primitive::Primitive;
use crate::resource_type::ResourceType;
use crate::tables::{Definitions, Field, TypeId, TypeKind, definitions};

/// After so many issues the rest is not looked for.
const MAX_ISSUES: usize = 20;

/// Checks the structure of a resource; its type, or what is wrong with it.
pub fn validate(document: &Document) -> Result<ResourceType, Invalid> {
    let mut validator = Validator::new();
    let kind = validator.resource(document.root());
    match kind {
        Some(kind) if validator.issues.is_empty() => Ok(kind),
        _ => Err(Invalid::new(validator.issues)),
    }
}

/// One step of the place that is looked at.
#[derive(Clone, Copy)]
struct Place {
    field: Field,
    index: Option<usize>,
}

struct Validator {
    definitions: &'static Definitions,
    root: &'static str,
    path: Vec<Place>,
    issues: Vec<Issue>,
}

impl Validator {
    fn new() -> Self {
        Self {
            definitions: definitions(),
            root: "",
            path: Vec::new(),
            issues: Vec::new(),
        }
    }

    /// The place as a FHIRPath, with the steps that `more` adds.
    fn expression(&self, more: &str) -> String {
        let mut text = self.root.to_owned();
        for place in &self.path {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(place.field.element(place.field.name.text()));
            if let Some(index) = place.index {
                // Writing to a String cannot fail.
                let _ = write!(text, "[{index}]");
            }
        }
        if !more.is_empty() && !text.is_empty() {
            text.push('.');
        }
        text + more
    }

    fn issue(&mut self, code: IssueCode, more: &str, problem: impl Into<String>) {
        if self.issues.len() < MAX_ISSUES {
            self.issues.push(Issue {
                code,
                expression: self.expression(more),
                problem: problem.into(),
            });
        }
    }

    fn resource(&mut self, value: Json<'_>) -> Option<ResourceType> {
        if value.kind() != Kind::Object {
            self.issue(IssueCode::Structure, "", "a resource must be a JSON object");
            return None;
        }
        let Some(name) = value.get_text(Name::RESOURCE_TYPE) else {
            self.issue(IssueCode::Structure, "", "resourceType is missing");
            return None;
        };
        let Some(kind) = ResourceType::find(&name) else {
            let problem = format!("{:?} is not a resource type of FHIR R4", shorten(&name));
            self.issue(IssueCode::Structure, "", problem);
            return None;
        };
        if self.path.is_empty() {
            self.root = kind.name();
        }
        let id = self
            .definitions
            .schema
            .of_resource(kind)
            .expect("every concrete type has elements");
        self.members(value, id);
        Some(kind)
    }

    fn object(&mut self, value: Json<'_>, kind: TypeId) {
        if value.kind() != Kind::Object {
            self.issue(IssueCode::Structure, "", "a JSON object is expected");
        } else if value.members().next().is_none() {
            self.issue(IssueCode::Structure, "", "an object must not be empty");
        } else {
            self.members(value, kind);
        }
    }

    fn members(&mut self, value: Json<'_>, kind: TypeId) {
        let schema = &self.definitions.schema;
        let is_resource = matches!(schema.kind(kind), TypeKind::Resource(_));
        let mut seen = 0_u64;
        for member in value.members() {
            let name = member.name();
            if is_resource && name == Name::RESOURCE_TYPE && !member.is_primitive_extension() {
                continue;
            }
            let Some(field) = self.field(kind, member) else {
                let key = member.key();
                self.issue(
                    IssueCode::Structure,
                    "",
                    format!("the element {:?} is not known here", shorten(&key)),
                );
                continue;
            };
            let bit = 1 << field.group;
            if seen & bit != 0 && is_other_choice(value, kind, member, &field, self.definitions) {
                let element = field.element(name.text());
                self.issue(
                    IssueCode::Structure,
                    element,
                    "only one type of this element may be given",
                );
            }
            seen |= bit;
            self.path.push(Place { field, index: None });
            if member.is_primitive_extension() {
                self.primitive_extension(member, &field);
            } else {
                self.member(value, member, &field);
            }
            self.path.pop();
        }
        let missing = schema.required(kind) & !seen;
        if missing != 0 {
            self.missing(kind, missing);
        }
    }

    fn field(&self, kind: TypeId, member: Json<'_>) -> Option<Field> {
        let schema = &self.definitions.schema;
        let field = *schema.field(kind, member.name())?;
        let is_primitive = matches!(schema.kind(field.kind), TypeKind::Primitive(_));
        (is_primitive || !member.is_primitive_extension()).then_some(field)
    }

    fn missing(&mut self, kind: TypeId, groups: u64) {
        let mut last = None;
        for field in self.definitions.schema.fields(kind) {
            if groups & (1 << field.group) != 0 && last != Some(field.group) {
                last = Some(field.group);
                self.issue(
                    IssueCode::Required,
                    field.element(field.name.text()),
                    "this element is required",
                );
            }
        }
    }

    fn member(&mut self, owner: Json<'_>, member: Json<'_>, field: &Field) {
        if !field.is_array {
            if member.kind() == Kind::Array {
                self.issue(
                    IssueCode::Structure,
                    "",
                    "this element does not repeat: an array is not allowed",
                );
            } else {
                self.item(member, field);
            }
            return;
        }
        if member.kind() != Kind::Array {
            self.issue(IssueCode::Structure, "", "this element repeats: an array is expected");
            return;
        }
        let mut count = 0;
        for (index, item) in member.items().enumerate() {
            count += 1;
            self.at(index);
            if item.kind() != Kind::Null || !is_extended(owner, member, self.definitions, field) {
                self.item(item, field);
            }
        }
        self.path.pop().expect("the caller pushed the element");
        self.path.push(Place {
            field: *field,
            index: None,
        });
        if count == 0 {
            self.issue(IssueCode::Structure, "", "an array must not be empty");
        }
    }

    fn at(&mut self, index: usize) {
        if let Some(place) = self.path.last_mut() {
            place.index = Some(index);
        }
    }

    fn item(&mut self, value: Json<'_>, field: &Field) {
        match self.definitions.schema.kind(field.kind) {
            TypeKind::Primitive(primitive) => self.primitive(value, primitive, field),
            TypeKind::AnyResource => self.nested_resource(value, field),
            TypeKind::Complex | TypeKind::Resource(_) => self.object(value, field.kind),
        }
    }

    /// Contained resources contain none themselves (dom-2).
    fn nested_resource(&mut self, value: Json<'_>, field: &Field) {
        let outer = self
            .path
            .iter()
            .rev()
            .skip(1)
            .any(|place| place.field.name == Name::CONTAINED);
        if field.name == Name::CONTAINED && outer {
            self.issue(IssueCode::Structure, "", "a contained resource must not contain others");
            return;
        }
        self.resource(value);
    }

    fn primitive(&mut self, value: Json<'_>, primitive: Primitive, field: &Field) {
        if value.kind() != primitive.json() {
            let expected = match primitive.json() {
                Kind::Boolean => "true or false",
                Kind::Number => "a JSON number",
                _ => "a JSON string",
            };
            self.issue(IssueCode::Structure, "", format!("{expected} is expected"));
        } else if !primitive.accepts(value) {
            let mut problem = format!("{} is not a valid {}", shorten(value.raw()), primitive.text());
            if let (Primitive::Xhtml, Some(text)) = (primitive, value.text())
                && let Err(why) = narrative::check(&text)
            {
                problem = format!("the narrative is not accepted: {why}");
            }
            self.issue(IssueCode::Value, "", problem);
        } else if let Some(id) = field.value_set {
            let value_set = self.definitions.value_sets.get(id.position());
            let code = value.text().unwrap_or_default();
            if value_set.system(&code).is_none() {
                let problem = format!("{:?} is not a code of the value set {}", shorten(&code), value_set.name);
                self.issue(IssueCode::CodeInvalid, "", problem);
            }
        }
    }

    /// `_birthDate`: id and extensions of a primitive; in an array, null where an item has none.
    fn primitive_extension(&mut self, member: Json<'_>, field: &Field) {
        let element = self.definitions.schema.by_path("Element").expect("Element is a type");
        if field.is_array != (member.kind() == Kind::Array) {
            let problem = "the extensions of a primitive must be an array exactly when its values are";
            self.issue(IssueCode::Structure, "", problem);
            return;
        }
        for (index, item) in member.each().enumerate() {
            if field.is_array {
                self.at(index);
            }
            if item.kind() != Kind::Null || !field.is_array {
                self.object(item, element);
            }
        }
    }
}

/// Whether another type of the same choice stands before `member`; `value…` and `_value…` of one type may both be there.
fn is_other_choice(owner: Json<'_>, kind: TypeId, member: Json<'_>, field: &Field, definitions: &Definitions) -> bool {
    let earlier = owner.members().take_while(|other| other.offset() < member.offset());
    let mut fields = earlier.filter_map(|other| definitions.schema.field(kind, other.name()));
    fields.any(|other| other.group == field.group && other.name != field.name)
}

/// Whether the primitive array has its `_` counterpart: only then null may stand in it.
fn is_extended(owner: Json<'_>, member: Json<'_>, definitions: &Definitions, field: &Field) -> bool {
    matches!(definitions.schema.kind(field.kind), TypeKind::Primitive(_))
        && owner
            .members()
            .any(|other| other.name() == member.name() && other.is_primitive_extension())
}

/// A piece of the input for a message: long ones are cut.
fn shorten(text: &str) -> &str {
    const LONGEST: usize = 80;
    let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

#[cfg(test)]
mod tests;
