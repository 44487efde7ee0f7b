//! Elements of a resource as FHIRPath sees them: a primitive is one with its `_name`, a choice is called without its
//! type, a list is its items.

use super::error::Why;
use super::path::{Condition, Form, Operand, Path, Step};
use crate::decimal::Decimal;
use crate::json::{Document, Json, Kind};
use crate::names::Name;
use crate::resource_type::ResourceType;
use crate::tables::{Field, Schema, TypeId, TypeKind, definitions};

/// One element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'d> {
    /// Its value; none when it is a primitive that has only an id or extensions.
    pub value: Option<Json<'d>>,
    /// The `_name` beside it.
    pub more: Option<Json<'d>>,
    pub kind: TypeId,
    /// Where it stands; `None` for the resource itself.
    pub place: Option<Place<'d>>,
}

/// Where an element stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'d> {
    pub owner: Json<'d>,
    pub owner_kind: TypeId,
    pub field: Field,
    /// In its list, when it repeats.
    pub index: usize,
}

/// The value and the `_name` of one item, as JSON.
pub(super) type Item = (Option<String>, Option<String>);

/// The fields of a type that its element `name` may be in: several for a choice.
pub(super) fn fields_of(kind: TypeId, name: &str) -> impl Iterator<Item = Field> + use<'_> {
    let fields = schema().fields(kind).iter().copied();
    fields.filter(move |field| field.element(field.name.text()) == name)
}

fn schema() -> &'static Schema {
    &definitions().schema
}

/// The resource of a document.
pub(super) fn root(document: &Document) -> Result<Element<'_>, Why> {
    let value = document.root();
    Ok(Element {
        value: Some(value),
        more: None,
        kind: resource_kind(value).ok_or(Why::Nowhere)?,
        place: None,
    })
}

fn resource_kind(value: Json<'_>) -> Option<TypeId> {
    let kind = ResourceType::find(&value.get_text(Name::RESOURCE_TYPE)?)?;
    schema().of_resource(kind)
}

/// The elements that a path finds.
pub(super) fn find<'d>(root: Element<'d>, path: &Path) -> Result<Vec<Element<'d>>, Why> {
    let names_type = |step: &Step| match step {
        Step::Child(name) => schema().is(root.kind, name),
        _ => false,
    };
    match path.split_first() {
        Some((first, rest)) if names_type(first) => walk(root, rest),
        _ => walk(root, path),
    }
}

fn walk<'d>(from: Element<'d>, steps: &[Step]) -> Result<Vec<Element<'d>>, Why> {
    let mut found = vec![from];
    for step in steps {
        found = one(found, step)?;
    }
    Ok(found)
}

fn one<'d>(found: Vec<Element<'d>>, step: &Step) -> Result<Vec<Element<'d>>, Why> {
    Ok(match step {
        Step::Child(name) => found.iter().flat_map(|element| element.children(name)).collect(),
        Step::At(at) => found.into_iter().skip(*at).take(1).collect(),
        Step::Take(count) => found.into_iter().take(*count).collect(),
        Step::Skip(count) => found.into_iter().skip(*count).collect(),
        Step::Last => found.last().copied().into_iter().collect(),
        Step::Single if found.len() > 1 => return Err(Why::Several),
        Step::Single => found,
        Step::As(kind) => found
            .into_iter()
            .filter(|element| schema().is(element.kind, kind))
            .collect(),
        Step::Where(condition) => {
            let mut kept = Vec::new();
            for element in found {
                if holds(element, condition)? == Some(true) {
                    kept.push(element);
                }
            }
            kept
        }
    })
}

impl<'d> Element<'d> {
    /// The object whose members are its children: its own, or the `_name` of a primitive.
    pub fn object(&self) -> Option<Json<'d>> {
        let own = self.value.filter(|value| value.kind() == Kind::Object);
        own.or(self.more)
    }

    /// The type of that object.
    fn object_kind(&self) -> TypeId {
        match schema().kind(self.kind) {
            TypeKind::Primitive(_) => schema().by_path("Element").expect("Element is a type"),
            _ => self.kind,
        }
    }

    /// The fields that its element `name` may be in.
    pub fn fields<'n>(&self, name: &'n str) -> impl Iterator<Item = Field> + use<'n> {
        fields_of(self.object_kind(), name)
    }

    /// Its elements of this name.
    pub fn children(&self, name: &str) -> Vec<Element<'d>> {
        let Some(owner) = self.object() else { return Vec::new() };
        let fields = self.fields(name);
        fields
            .flat_map(|field| items((owner, self.object_kind()), field))
            .collect()
    }

    fn text(&self) -> Option<std::borrow::Cow<'d, str>> {
        self.value?.text()
    }
}

/// The member of a field, and its `_name`.
fn field_parts(owner: Json<'_>, field: Field) -> (Option<Json<'_>>, Option<Json<'_>>) {
    let more = owner
        .members()
        .find(|member| member.name() == field.name && member.is_primitive_extension());
    (owner.get(field.name), more)
}

/// The value and the `_name` of each item of a field.
fn parts(owner: Json<'_>, field: Field) -> Vec<(Option<Json<'_>>, Option<Json<'_>>)> {
    let (values, more) = field_parts(owner, field);
    let (mut values, mut more) = (each(values, field), each(more, field));
    let len = values.len().max(more.len());
    values.resize(len, None);
    more.resize(len, None);
    values.into_iter().zip(more).collect()
}

fn each(member: Option<Json<'_>>, field: Field) -> Vec<Option<Json<'_>>> {
    match member {
        Some(list) if field.is_array => list
            .items()
            .map(|item| (item.kind() != Kind::Null).then_some(item))
            .collect(),
        Some(value) => vec![Some(value)],
        None => Vec::new(),
    }
}

/// The elements of a field.
fn items((owner, owner_kind): (Json<'_>, TypeId), field: Field) -> Vec<Element<'_>> {
    let element = |(index, (value, more)): (usize, (Option<_>, Option<_>))| {
        let named = match schema().kind(field.kind) {
            TypeKind::AnyResource => value.and_then(resource_kind),
            _ => None,
        };
        Element {
            value,
            more,
            kind: named.unwrap_or(field.kind),
            place: Some(Place {
                owner,
                owner_kind,
                field,
                index,
            }),
        }
    };
    parts(owner, field).into_iter().enumerate().map(element).collect()
}

/// The items of a field as JSON.
pub(super) fn list(owner: Json<'_>, field: Field) -> Vec<Item> {
    let raw = |part: Option<Json<'_>>| part.map(|part| part.raw().to_owned());
    parts(owner, field)
        .into_iter()
        .map(|(value, more)| (raw(value), raw(more)))
        .collect()
}

/// Whether a condition holds; nothing when it asks of what is not there, which neither keeps an element nor, negated,
/// keeps it (FHIRPath §6.5).
fn holds(element: Element<'_>, condition: &Condition) -> Result<Option<bool>, Why> {
    Ok(match condition {
        Condition::Or(any) => settled(element, any, true)?,
        Condition::And(all) => settled(element, all, false)?,
        Condition::Not(condition) => holds(element, condition)?.map(|held| !held),
        Condition::Equal(left, right) => is_equal(element, left, right)?,
        Condition::Exists(path) => Some(!walk(element, path)?.is_empty()),
        Condition::True(path) => match walk(element, path)?[..] {
            [] => None,
            [one] => Some(one.value.and_then(Json::boolean) == Some(true)),
            _ => Some(false),
        },
        Condition::Like(path, form, wanted) => {
            let found = walk(element, path)?;
            let is_like = |found: &Element<'_>| {
                found.text().is_some_and(|text| match form {
                    Form::Start => text.starts_with(wanted.as_str()),
                    Form::End => text.ends_with(wanted.as_str()),
                    Form::Part => text.contains(wanted.as_str()),
                })
            };
            (!found.is_empty()).then(|| found.iter().any(is_like))
        }
    })
}

/// Several conditions: one that is as `settling` settles it, otherwise one that is nothing makes it nothing.
fn settled(element: Element<'_>, conditions: &[Condition], settling: bool) -> Result<Option<bool>, Why> {
    let mut outcome = Some(!settling);
    for condition in conditions {
        match holds(element, condition)? {
            Some(held) if held == settling => return Ok(Some(settling)),
            Some(_) => {}
            None => outcome = None,
        }
    }
    Ok(outcome)
}

/// What a comparison compares.
#[derive(PartialEq)]
enum Compared {
    Text(String),
    Number(Decimal),
    Boolean(bool),
}

/// Two collections are equal when they are equal one by one; nothing is neither equal nor unequal to anything.
fn is_equal(element: Element<'_>, left: &Operand, right: &Operand) -> Result<Option<bool>, Why> {
    let (left, right) = (compared(element, left)?, compared(element, right)?);
    let is_same = |(a, b): (&Compared, &Compared)| match (a, b) {
        (Compared::Number(a), Compared::Number(b)) => a.compare(*b).is_eq(),
        _ => a == b,
    };
    let is_comparable = !left.is_empty() && !right.is_empty();
    Ok(is_comparable.then(|| left.len() == right.len() && left.iter().zip(&right).all(is_same)))
}

fn compared(element: Element<'_>, operand: &Operand) -> Result<Vec<Compared>, Why> {
    Ok(match operand {
        Operand::Text(text) => vec![Compared::Text(text.clone())],
        Operand::Number(number) => vec![Compared::Number(*number)],
        Operand::Boolean(boolean) => vec![Compared::Boolean(*boolean)],
        Operand::Path(path) => walk(element, path)?
            .iter()
            .filter_map(|found| {
                let value = found.value?;
                let text = || value.text().map(|text| Compared::Text(text.into_owned()));
                let number = || Decimal::parse(value.number()?).map(Compared::Number);
                text()
                    .or_else(number)
                    .or_else(|| value.boolean().map(Compared::Boolean))
            })
            .collect(),
    })
}
