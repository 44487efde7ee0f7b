//! `elements.txt`: the elements of every resource and datatype, as flat sorted arrays.

use std::collections::HashMap;
use std::ops::Range;

use super::{EMBEDDED, ResourceTypes, ValueSets, lines};
use crate::names::{Name, Names};
use crate::primitive::Primitive;
use crate::resource_type::ResourceType;

/// A type: a primitive, a datatype, a resource, or the nested type of an element with children.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TypeId(u16);

/// A value set of [`ValueSets`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ValueSetId(u16);

impl ValueSetId {
    pub(crate) fn position(self) -> usize {
        usize::from(self.0)
    }
}

/// What a type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TypeKind {
    Primitive(Primitive),
    /// A datatype or the nested type of an element.
    Complex,
    /// `Resource`: the concrete type is named in the value.
    AnyResource,
    Resource(ResourceType),
}

/// A member that an object of a type may have. A choice element has one field per type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub name: Name,
    pub kind: TypeId,
    /// Position of the element among those of its type; the fields of a choice share it.
    pub group: u8,
    /// Whether it is an array (max other than 1).
    pub is_array: bool,
    /// Bytes of the name before the type of a choice; 0 when it is none.
    pub choice: u8,
    /// Whether it is part of the summary of its type.
    pub is_summary: bool,
    pub value_set: Option<ValueSetId>,
}

impl Field {
    /// The element's name: that of the member without the type of a choice.
    pub(crate) fn element<'n>(&self, member: &'n str) -> &'n str {
        if self.choice == 0 {
            member
        } else {
            &member[..usize::from(self.choice)]
        }
    }
}

#[derive(Debug)]
struct Type {
    /// `Patient` or `Patient.contact`.
    path: String,
    kind: TypeKind,
    base: Option<TypeId>,
    /// In table order while reading; sorted by name afterwards.
    fields: Vec<Field>,
    elements: u8,
    /// Bit per group: the element must be there.
    required: u64,
}

#[derive(Debug)]
pub(crate) struct Schema {
    types: Vec<Type>,
    by_path: HashMap<String, TypeId>,
    fields: Vec<Field>,
    ranges: Vec<Range<u32>>,
    by_resource: Vec<Option<TypeId>>,
}

impl Schema {
    pub(super) fn read(
        table: &'static str,
        names: &mut Names,
        resources: &ResourceTypes,
        value_sets: &ValueSets,
    ) -> Self {
        let mut schema = Self::with_types(table, resources);
        let mut reader = Reader {
            schema: &mut schema,
            names,
            value_sets,
            path: Vec::new(),
        };
        for line in lines(table) {
            reader.line(line);
        }
        schema.inherit();
        schema.flatten(names);
        schema
    }

    /// All types first, since elements name types that come later.
    fn with_types(table: &'static str, resources: &ResourceTypes) -> Self {
        let mut schema = Self {
            types: Vec::new(),
            by_path: HashMap::new(),
            fields: Vec::new(),
            ranges: Vec::new(),
            by_resource: vec![None; resources.end()],
        };
        for primitive in Primitive::ALL {
            schema.add(primitive.text().to_owned(), TypeKind::Primitive(*primitive));
        }
        for line in lines(table).filter(|line| !line.starts_with(' ')) {
            let (path, rest) = line.split_once(' ').unwrap_or((line, ""));
            let concrete = resources
                .all()
                .find(|kind| rest.ends_with(" resource") && resources.text(*kind) == path);
            let kind = match concrete {
                Some(resource) => TypeKind::Resource(resource),
                None if path == "Resource" => TypeKind::AnyResource,
                None => TypeKind::Complex,
            };
            let id = schema.add(path.to_owned(), kind);
            if let Some(resource) = concrete {
                schema.by_resource[usize::from(resource.0)] = Some(id);
            }
        }
        schema
    }

    fn add(&mut self, path: String, kind: TypeKind) -> TypeId {
        if let Some(id) = self.by_path.get(&path) {
            return *id;
        }
        let id = TypeId(self.types.len() as u16);
        self.by_path.insert(path.clone(), id);
        self.types.push(Type {
            path,
            kind,
            base: None,
            fields: Vec::new(),
            elements: 0,
            required: 0,
        });
        id
    }

    /// Adds to each type the elements of its bases.
    fn inherit(&mut self) {
        let own: Vec<_> = self
            .types
            .iter()
            .map(|t| (t.base, t.fields.clone(), t.elements, t.required))
            .collect();
        for kind in &mut self.types {
            let mut base = kind.base;
            while let Some(id) = base {
                let (next, fields, elements, required) = &own[usize::from(id.0)];
                let shift = kind.elements;
                kind.fields.extend(fields.iter().map(|field| Field {
                    group: field.group + shift,
                    ..*field
                }));
                kind.required |= required << shift;
                kind.elements += elements;
                base = *next;
            }
        }
    }

    fn flatten(&mut self, names: &Names) {
        debug_assert!(names.len() < usize::from(u16::MAX));
        for kind in &mut self.types {
            kind.fields.sort_unstable_by_key(|field| field.name);
            let start = self.fields.len() as u32;
            self.fields.append(&mut kind.fields);
            self.ranges.push(start..self.fields.len() as u32);
        }
    }

    /// The type with this name or element path.
    pub(crate) fn by_path(&self, path: &str) -> Option<TypeId> {
        self.by_path.get(path).copied()
    }

    pub(crate) fn of_resource(&self, resource: ResourceType) -> Option<TypeId> {
        self.by_resource.get(usize::from(resource.0)).copied().flatten()
    }

    pub(crate) fn kind(&self, id: TypeId) -> TypeKind {
        self.types[usize::from(id.0)].kind
    }

    pub(crate) fn path(&self, id: TypeId) -> &str {
        &self.types[usize::from(id.0)].path
    }

    pub(crate) fn required(&self, id: TypeId) -> u64 {
        self.types[usize::from(id.0)].required
    }

    /// The fields of a type, sorted by name.
    pub(crate) fn fields(&self, id: TypeId) -> &[Field] {
        let range = &self.ranges[usize::from(id.0)];
        &self.fields[range.start as usize..range.end as usize]
    }

    pub(crate) fn field(&self, id: TypeId, name: Name) -> Option<&Field> {
        let fields = self.fields(id);
        fields
            .binary_search_by_key(&name, |field| field.name)
            .ok()
            .map(|at| &fields[at])
    }

    /// Whether `id` is the type `name`, or derived from it.
    pub(crate) fn is(&self, id: TypeId, name: &str) -> bool {
        let kind = &self.types[usize::from(id.0)];
        kind.path == name || kind.base.is_some_and(|base| self.is(base, name))
    }
}

/// Reads the element lines; the indent tells the depth.
struct Reader<'r> {
    schema: &'r mut Schema,
    names: &'r mut Names,
    value_sets: &'r ValueSets,
    /// The type at each depth of indentation.
    path: Vec<TypeId>,
}

impl Reader<'_> {
    fn line(&mut self, line: &'static str) {
        let text = line.trim_start_matches(' ');
        let depth = line.len() - text.len();
        let mut words = text.split(' ');
        let name = words.next().expect(EMBEDDED);
        self.path.truncate(depth);
        if depth == 0 {
            let id = self.schema.by_path(name).expect(EMBEDDED);
            let base = words.nth(1).map(|base| self.schema.by_path(base).expect(EMBEDDED));
            self.schema.types[usize::from(id.0)].base = base;
            self.path.push(id);
            return;
        }
        let (min, max) = words
            .next()
            .and_then(|cardinality| cardinality.split_once(".."))
            .expect(EMBEDDED);
        let owner = self.path[depth - 1];
        let owner_type = &mut self.schema.types[usize::from(owner.0)];
        let group = owner_type.elements;
        owner_type.elements += 1;
        owner_type.required |= u64::from(min != "0") << group;
        let mut kinds: Vec<_> = words.collect();
        let is_summary = kinds.first() == Some(&"+");
        kinds.drain(..usize::from(is_summary));
        self.fields(owner, name, &kinds, &|field| Field {
            group,
            is_array: max != "1",
            is_summary,
            ..field
        });
    }

    fn fields(&mut self, owner: TypeId, name: &'static str, kinds: &[&'static str], with: &dyn Fn(Field) -> Field) {
        let value_set = kinds.last().and_then(|word| word.strip_prefix('='));
        let value_set = value_set.map(|set| ValueSetId(self.value_sets.position(set).expect(EMBEDDED) as u16));
        let choice = name.strip_suffix("[x]");
        let mut last = owner;
        for kind in kinds.iter().filter(|word| !word.starts_with('=')) {
            let kind = kind.split('(').next().expect(EMBEDDED);
            last = self.kind_of(owner, name, kind);
            let member = match choice {
                Some(element) => self.names.intern_owned(choice_member(element, kind)),
                None => self.names.intern(name),
            };
            let choice = choice.map_or(0, str::len) as u8;
            let field = Field {
                name: member,
                kind: last,
                group: 0,
                is_array: false,
                choice,
                is_summary: false,
                value_set,
            };
            self.schema.types[usize::from(owner.0)].fields.push(with(field));
        }
        // The next lines, if indented deeper, are the children of this element.
        self.path.push(last);
    }

    /// The type of an element; an anonymous one gets a type of its own, called by its path.
    fn kind_of(&mut self, owner: TypeId, name: &str, kind: &str) -> TypeId {
        if let Some(path) = kind.strip_prefix('@') {
            return self.schema.by_path(path).expect(EMBEDDED);
        }
        let named = self.schema.by_path(kind).expect(EMBEDDED);
        if kind != "BackboneElement" && kind != "Element" {
            return named;
        }
        let path = format!("{}.{name}", self.schema.path(owner));
        let id = self.schema.add(path, TypeKind::Complex);
        self.schema.types[usize::from(id.0)].base = Some(named);
        id
    }
}

/// `value` + `Quantity` → `valueQuantity`.
pub(crate) fn choice_member(element: &str, kind: &str) -> String {
    let mut member = element.to_owned();
    let mut letters = kind.chars();
    member.extend(letters.next().map(|first| first.to_ascii_uppercase()));
    member.push_str(letters.as_str());
    member
}
