//! Values of a FHIRPath Patch: `value[x]`, a resource, or parts where the type has no name.
//! <http://hl7.org/fhir/R4/fhirpatch.html>

use super::element::Item;
use super::error::Why;
use crate::json::{Json, quote};
use crate::names::Name;
use crate::tables::{Field, TypeId, TypeKind, choice_member, definitions};

/// A value that is put in.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Of a type that has a name: `Quantity` of `valueQuantity`.
    Typed { kind: String, item: Item },
    /// Elements one by one.
    Parts(Vec<(String, Value)>),
}

impl Value {
    /// Reads the parameter or part that holds it; none when there is none.
    pub fn read(part: Json<'_>) -> Option<Self> {
        let typed = part.members().find_map(|member| {
            let key = member.key();
            let kind = key.trim_start_matches('_').strip_prefix("value")?.to_owned();
            (!kind.is_empty()).then_some(kind)
        });
        let raw = |key: &str| part.find(key).map(|value| value.raw().to_owned());
        if let Some(kind) = typed {
            let item = (raw(&format!("value{kind}")), raw(&format!("_value{kind}")));
            return Some(Self::Typed { kind, item });
        }
        if let Some(resource) = raw("resource") {
            let kind = "Resource".to_owned();
            return Some(Self::Typed {
                kind,
                item: (Some(resource), None),
            });
        }
        let parts = part.find("part")?.items();
        let named = parts.map(|part| Some((part.find("name")?.text()?.into_owned(), Self::read(part)?)));
        named.collect::<Option<_>>().map(Self::Parts)
    }

    /// Which of the fields of an element it goes into: the one of its type when the element is a choice.
    pub fn field(&self, name: &str, mut fields: impl Iterator<Item = Field>) -> Result<Field, Why> {
        let is_own = |field: &Field| match self {
            _ if field.choice == 0 => true,
            Self::Typed { kind, .. } => field.name == Name::find(&choice_member(name, kind)),
            Self::Parts(_) => false,
        };
        fields.find(is_own).ok_or_else(|| Why::Element(name.to_owned()))
    }

    /// Its JSON, as an element of this type.
    pub fn item(&self, kind: TypeId) -> Result<Item, Why> {
        match self {
            Self::Typed { item, .. } => Ok(item.clone()),
            Self::Parts(parts) => Ok((Some(object(parts, kind)?), None)),
        }
    }
}

/// An object of parts; those of one name are a list where the element repeats.
fn object(parts: &[(String, Value)], kind: TypeId) -> Result<String, Why> {
    let schema = &definitions().schema;
    if matches!(schema.kind(kind), TypeKind::Primitive(_)) {
        return Err(Why::Missing("value"));
    }
    let mut members: Vec<(Field, Vec<Item>)> = Vec::new();
    for (name, value) in parts {
        let named = |field: &Field| field.element(field.name.text()) == name;
        let field = value.field(name, schema.fields(kind).iter().copied().filter(named))?;
        let item = value.item(field.kind)?;
        match members.iter_mut().find(|(other, _)| other.name == field.name) {
            Some(_) if !field.is_array => return Err(Why::Present),
            Some((_, items)) => items.push(item),
            None => members.push((field, vec![item])),
        }
    }
    let texts = members.iter().flat_map(|(field, items)| written(*field, items));
    let texts: Vec<_> = texts.map(|(key, json)| format!("{}:{json}", quote(&key))).collect();
    Ok(format!("{{{}}}", texts.join(",")))
}

/// The members of an object that hold these items of a field: its own, and that with `_`. What has nothing is not there.
pub(super) fn written(field: Field, items: &[Item]) -> Vec<(String, String)> {
    let values: Vec<_> = items.iter().map(|(value, _)| value.as_deref()).collect();
    let more: Vec<_> = items.iter().map(|(_, more)| more.as_deref()).collect();
    let name = field.name.text();
    [(name.to_owned(), values), (format!("_{name}"), more)]
        .into_iter()
        .filter(|(_, parts)| parts.iter().any(Option::is_some))
        .map(|(key, parts)| {
            let texts: Vec<_> = parts.into_iter().map(|part| part.unwrap_or("null")).collect();
            let json = if field.is_array {
                format!("[{}]", texts.join(","))
            } else {
                texts.concat()
            };
            (key, json)
        })
        .collect()
}
