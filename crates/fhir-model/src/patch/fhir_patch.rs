//! FHIRPath Patch. <http://hl7.org/fhir/R4/fhirpatch.html>
//!
//! # Deviations
//! - `upsert`, as in Azure: `replace` where the element is there, else `add`.
//! - A primitive that is replaced loses its extensions, unless the new value has some: the element is replaced.

use super::element::{Element, Item, Place, fields_of, find, list, root};
use super::error::Why;
use super::path::{Path, Step, parse, weight};
use super::value::{Value, written};
use crate::json::{Document, Edit, Json};
use crate::tables::Field;

/// One operation.
#[derive(Debug)]
pub(super) struct Operation {
    path: Path,
    what: What,
}

#[derive(Debug)]
enum What {
    Add(String, Value),
    Insert(usize, Value),
    Delete,
    Replace(Value),
    Move(usize, usize),
    Upsert(String, Value),
}

impl Operation {
    /// Reads a parameter `operation` with its parts.
    pub fn read(parameter: Json<'_>) -> Result<Self, Why> {
        let name = parameter.find("name").and_then(Json::text);
        if name.as_deref() != Some("operation") {
            return Err(Why::Unknown("the name of the parameter"));
        }
        let parts: Vec<_> = parameter.find("part").into_iter().flat_map(Json::items).collect();
        let part = |wanted: &str| {
            let named = |part: &&Json<'_>| part.find("name").and_then(Json::text).as_deref() == Some(wanted);
            parts.iter().find(named).copied()
        };
        // Clients write codes and strings for one another.
        let text = |wanted: &'static str| {
            let text = ["valueCode", "valueString", "valueUri", "valueId"];
            let found = part(wanted).and_then(|part| text.iter().find_map(|key| part.find(key)?.text()));
            found.ok_or(Why::Missing(wanted))
        };
        let number = |wanted: &'static str| {
            let keys = ["valueInteger", "valueUnsignedInt", "valuePositiveInt"];
            let found = part(wanted).and_then(|part| keys.iter().find_map(|key| part.find(key)?.number()));
            found.and_then(|digits| digits.parse().ok()).ok_or(Why::Missing(wanted))
        };
        let value = || part("value").and_then(Value::read).ok_or(Why::Missing("value"));
        let what = match text("type")?.as_ref() {
            "add" => What::Add(text("name")?.into_owned(), value()?),
            "insert" => What::Insert(number("index")?, value()?),
            "delete" => What::Delete,
            "replace" => What::Replace(value()?),
            "move" => What::Move(number("source")?, number("destination")?),
            "upsert" => What::Upsert(text("name")?.into_owned(), value()?),
            _ => return Err(Why::Unknown("type")),
        };
        let path = parse(&text("path")?)?;
        Ok(Self { path, what })
    }

    /// How often it goes through the resource.
    pub fn weight(&self) -> usize {
        weight(&self.path)
    }

    /// The text that the document becomes; none when nothing changes.
    pub fn apply(&self, document: &Document) -> Result<Option<String>, Why> {
        let root = root(document)?;
        let found = || find(root, &self.path);
        match &self.what {
            What::Add(name, value) => add(document, single(&found()?)?, name, value).map(Some),
            What::Upsert(name, value) => {
                let owner = single(&found()?)?;
                match owner.children(name)[..] {
                    [] => add(document, owner, name, value).map(Some),
                    [there] => replace(document, there, value).map(Some),
                    _ => Err(Why::Several),
                }
            }
            What::Replace(value) => replace(document, single(&found()?)?, value).map(Some),
            What::Delete => match found()?[..] {
                [] => Ok(None),
                [there] => delete(document, there).map(Some),
                _ => Err(Why::Several),
            },
            What::Insert(index, value) => self.change_list(document, root, |field, items| {
                if *index > items.len() {
                    return Err(Why::Index);
                }
                items.insert(*index, value.item(field.kind)?);
                Ok(())
            }),
            What::Move(source, destination) => self.change_list(document, root, |_, items| {
                if *source >= items.len() || *destination >= items.len() {
                    return Err(Why::Index);
                }
                let moved = items.remove(*source);
                items.insert(*destination, moved);
                Ok(())
            }),
        }
    }

    /// Changes the list that the path names as a whole: its last step is the name of an element that repeats.
    fn change_list(
        &self,
        document: &Document,
        root: Element<'_>,
        change: impl FnOnce(Field, &mut Vec<Item>) -> Result<(), Why>,
    ) -> Result<Option<String>, Why> {
        let Some((Step::Child(name), before)) = self.path.split_last() else {
            return Err(Why::NoList);
        };
        let owner = single(&find(root, &before.to_vec())?)?;
        let field = owner.fields(name).next().ok_or_else(|| Why::Element(name.clone()))?;
        let object = owner.object().filter(|_| field.is_array).ok_or(Why::NoList)?;
        let mut items = list(object, field);
        change(field, &mut items)?;
        Ok(Some(with(document, object, &[], (field, &items))))
    }
}

fn single<'d>(found: &[Element<'d>]) -> Result<Element<'d>, Why> {
    match found {
        [] => Err(Why::Nowhere),
        [one] => Ok(*one),
        _ => Err(Why::Several),
    }
}

/// The text of the document with these items in a field of an object, and nothing in the `gone` ones.
fn with(document: &Document, object: Json<'_>, gone: &[Field], (field, items): (Field, &[Item])) -> String {
    let members = written(field, items);
    let has = |key: &str| members.iter().any(|(written, _)| written == key);
    let mut edit = Edit::new(document);
    for name in gone.iter().chain([&field]).map(|field| field.name.text()) {
        for key in [name.to_owned(), format!("_{name}")] {
            if !has(&key) {
                edit.remove(object, &key);
            }
        }
    }
    for (key, json) in &members {
        edit.set(object, key, json);
    }
    edit.finish()
}

fn add(document: &Document, owner: Element<'_>, name: &str, value: &Value) -> Result<String, Why> {
    let object = owner.object().ok_or(Why::Nowhere)?;
    let field = value.field(name, owner.fields(name))?;
    if !field.is_array && !owner.children(name).is_empty() {
        return Err(Why::Present);
    }
    let mut items = list(object, field);
    items.push(value.item(field.kind)?);
    Ok(with(document, object, &[], (field, &items)))
}

fn replace(document: &Document, there: Element<'_>, value: &Value) -> Result<String, Why> {
    let Place {
        owner,
        owner_kind,
        field: old,
        index,
    } = there.place.ok_or(Why::Whole)?;
    let name = old.element(old.name.text());
    let field = value.field(name, fields_of(owner_kind, name))?;
    let mut items = list(owner, old);
    *items.get_mut(index).ok_or(Why::Nowhere)? = value.item(field.kind)?;
    Ok(with(document, owner, &[old], (field, &items)))
}

fn delete(document: &Document, there: Element<'_>) -> Result<String, Why> {
    let place = there.place.ok_or(Why::Whole)?;
    let mut items = list(place.owner, place.field);
    items.remove(place.index);
    Ok(with(document, place.owner, &[], (place.field, &items)))
}
