//! Search parameters compiled to programs: trees of element names, merged per resource type.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::convert::Convert;
use super::path::{self, ExpressionError, Path, Step};
use super::{Component, ParameterKind, ParameterNumber, SearchParameter, Targets};
use crate::names::Name;
use crate::resource_type::ResourceType;
use crate::tables::{Definitions, Field, TypeId, ValueSetId, definitions};

/// What to take from a resource (or, for a part of a composite, from an element). Node 0 is the root.
#[derive(Debug, Default)]
pub(super) struct Program {
    pub nodes: Vec<Node>,
    /// Whether a resource may have several values of a parameter.
    repeats: BTreeMap<ParameterNumber, bool>,
}

#[derive(Debug, Default)]
pub(super) struct Node {
    /// Sorted by name.
    pub edges: Vec<Edge>,
    pub filters: Vec<Filter>,
    pub takes: Vec<Take>,
    pub presences: Vec<Presence>,
}

/// From an object to its member `name`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub name: Name,
    /// Only to the first item of an array.
    pub is_first: bool,
    pub node: u32,
}

/// On to `node` with the same value, when its member `field` is `text`.
#[derive(Debug)]
pub(super) struct Filter {
    pub field: Name,
    pub text: Box<str>,
    pub node: u32,
}

/// Turn the value into search values, for all parameters that want them in this form.
#[derive(Debug)]
pub(super) struct Take {
    pub convert: Convert,
    pub emits: Vec<Emit>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Emit {
    pub parameter: ParameterNumber,
    /// Only references to this type.
    pub only: Option<ResourceType>,
}

/// `P.exists() and P != false`, for the members that `P` may be.
#[derive(Debug)]
pub(super) struct Presence {
    pub parameter: ParameterNumber,
    pub members: Vec<Name>,
}

/// Where a part of a composite is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// The element of the composite.
    Element,
    /// The resource (`%resource`).
    Resource,
}

/// A composite parameter: elements, and in each of them parts.
#[derive(Debug)]
pub(super) struct Composite {
    pub branches: Vec<CompositeBranch>,
}

#[derive(Debug)]
pub(super) struct CompositeBranch {
    /// The names of the elements from the resource down.
    pub element: Vec<&'static str>,
    /// For each part the programs of its branches.
    pub parts: Vec<Vec<(Start, Program)>>,
}

impl Composite {
    /// Of a parameter of one type.
    pub(super) fn compile(parameter: &'static SearchParameter) -> Result<Self, ExpressionError> {
        let base = parameter.base.ok_or(ExpressionError::End)?;
        let mut branches = Vec::new();
        for path in path::parse(parameter.expression)? {
            let mut scratch = Program::new();
            let cursors = Compiler::new(&mut scratch, base).at_root(&path.steps)?;
            let element = path.steps.iter().skip(1).map(|step| match *step {
                Step::Child(name) => Ok(name),
                _ => Err(ExpressionError::Unexpected(parameter.expression.to_owned())),
            });
            let parts = parameter.components.iter();
            branches.push(CompositeBranch {
                element: element.collect::<Result<_, _>>()?,
                parts: parts
                    .map(|part| compile_part(base, &cursors, part))
                    .collect::<Result<_, _>>()?,
            });
        }
        Ok(Self { branches })
    }
}

fn compile_part(
    base: ResourceType,
    cursors: &[Cursor],
    part: &'static Component,
) -> Result<Vec<(Start, Program)>, ExpressionError> {
    let definition = SearchParameter::find(base, part.code).ok_or(ExpressionError::End)?;
    let mut found = Vec::new();
    for path in path::parse(part.expression)? {
        let start = if path.steps.first() == Some(&Step::Resource) {
            Start::Resource
        } else {
            Start::Element
        };
        let mut program = Program::new();
        let mut takes = Vec::new();
        for cursor in cursors {
            let mut compiler = Compiler::new(&mut program, base);
            for end in compiler.follow(Cursor { node: 0, ..*cursor }, &path.steps)? {
                let convert = Convert::choose(definition.kind, &definitions().schema, end.kind, end.value_set);
                takes.extend(convert.map(|convert| (end.node, convert)));
            }
        }
        for (node, convert) in &takes {
            let emit = Emit {
                parameter: definition.number,
                only: None,
            };
            program.take(*node, *convert, emit);
        }
        if !takes.is_empty() {
            found.push((start, program));
        }
    }
    if found.is_empty() {
        return Err(Compiler::new(&mut Program::new(), base).no_value(definition.kind, cursors));
    }
    Ok(found)
}

/// The merged program of all standard parameters of a type; compiled when it is first asked for.
pub(super) fn of(kind: ResourceType) -> &'static Program {
    static PROGRAMS: OnceLock<Vec<OnceLock<Program>>> = OnceLock::new();
    let programs = PROGRAMS.get_or_init(|| (0..ResourceType::count()).map(|_| OnceLock::new()).collect());
    programs[usize::from(kind.number())].get_or_init(|| {
        let mut program = Program::new();
        for parameter in SearchParameter::of(kind) {
            // What cannot be compiled finds nothing; a test lists those parameters and why.
            let _ = program.add(kind, parameter);
        }
        program
    })
}

/// A place in the program while an expression is followed.
#[derive(Clone, Copy)]
struct Cursor {
    node: u32,
    kind: TypeId,
    value_set: Option<ValueSetId>,
    resolves_to: Option<ResourceType>,
    /// Whether a resource may have several of it.
    repeats: bool,
}

impl Program {
    pub(super) fn new() -> Self {
        Self {
            nodes: vec![Node::default()],
            repeats: BTreeMap::new(),
        }
    }

    /// Whether a resource has one value of a parameter at most.
    pub(super) fn is_single(&self, parameter: ParameterNumber) -> bool {
        self.repeats.get(&parameter) == Some(&false)
    }

    /// Adds a parameter of `kind`; one without an expression adds nothing.
    pub(super) fn add(
        &mut self,
        kind: ResourceType,
        parameter: &'static SearchParameter,
    ) -> Result<(), ExpressionError> {
        if parameter.kind == ParameterKind::Composite {
            return Composite::compile(parameter).map(drop);
        }
        if parameter.expression.is_empty() || parameter.kind == ParameterKind::Special {
            return Ok(());
        }
        let mut result = Ok(());
        for branch in path::parse(parameter.expression)? {
            let mut compiler = Compiler::new(self, kind);
            // The other branches count even when one finds nothing.
            result = compiler.branch(&branch, parameter).and(result);
        }
        result
    }

    /// The node behind an edge, made when there is none.
    fn edge(&mut self, from: u32, name: Name, is_first: bool) -> u32 {
        let edges = &self.nodes[from as usize].edges;
        match edges.binary_search_by_key(&(name, is_first), |edge| (edge.name, edge.is_first)) {
            Ok(at) => edges[at].node,
            Err(at) => {
                let node = self.node();
                self.nodes[from as usize]
                    .edges
                    .insert(at, Edge { name, is_first, node });
                node
            }
        }
    }

    fn filter(&mut self, from: u32, field: Name, text: &str) -> u32 {
        let known = self.nodes[from as usize]
            .filters
            .iter()
            .find(|f| f.field == field && &*f.text == text);
        if let Some(filter) = known {
            return filter.node;
        }
        let node = self.node();
        self.nodes[from as usize].filters.push(Filter {
            field,
            text: text.into(),
            node,
        });
        node
    }

    fn node(&mut self) -> u32 {
        self.nodes.push(Node::default());
        self.nodes.len() as u32 - 1
    }

    fn take(&mut self, node: u32, convert: Convert, emit: Emit) {
        let takes = &mut self.nodes[node as usize].takes;
        match takes.iter_mut().find(|take| take.convert == convert) {
            Some(take) => take.emits.push(emit),
            None => takes.push(Take {
                convert,
                emits: vec![emit],
            }),
        }
    }
}

struct Compiler<'p> {
    program: &'p mut Program,
    definitions: &'static Definitions,
    base: ResourceType,
}

impl<'p> Compiler<'p> {
    fn new(program: &'p mut Program, base: ResourceType) -> Self {
        Self {
            program,
            definitions: definitions(),
            base,
        }
    }

    /// The ends of a path from the resource.
    fn at_root(&mut self, steps: &[Step<'_>]) -> Result<Vec<Cursor>, ExpressionError> {
        self.follow(self.root(), steps)
    }

    fn branch(&mut self, path: &Path<'_>, parameter: &SearchParameter) -> Result<(), ExpressionError> {
        if path.is_presence {
            return self.presence(path, parameter);
        }
        let cursors = self.at_root(&path.steps)?;
        let (mut found, mut repeats) = (false, false);
        for cursor in &cursors {
            let schema = &self.definitions.schema;
            if let Some(convert) = Convert::choose(parameter.kind, schema, cursor.kind, cursor.value_set) {
                let only = cursor.resolves_to.or_else(|| inline_target(convert, parameter));
                let emit = Emit {
                    parameter: parameter.number,
                    only,
                };
                self.program.take(cursor.node, convert, emit);
                found = true;
                repeats |= cursor.repeats;
            }
        }
        if found {
            // Of several branches each may have one.
            let known = self.program.repeats.entry(parameter.number);
            known.and_modify(|known| *known = true).or_insert(repeats);
            Ok(())
        } else {
            Err(self.no_value(parameter.kind, &cursors))
        }
    }

    fn no_value(&self, kind: ParameterKind, cursors: &[Cursor]) -> ExpressionError {
        let kinds: Vec<_> = cursors
            .iter()
            .map(|cursor| self.definitions.schema.path(cursor.kind))
            .collect();
        ExpressionError::NoValue {
            kind: kind.code(),
            path: kinds.join(", "),
        }
    }

    fn presence(&mut self, path: &Path<'_>, parameter: &SearchParameter) -> Result<(), ExpressionError> {
        let [Step::Child(_), Step::Child(element)] = path.steps[..] else {
            return Err(ExpressionError::Unexpected("exists".to_owned()));
        };
        let members: Vec<_> = self.fields(self.root().kind, element).map(|field| field.name).collect();
        if members.is_empty() {
            return Err(ExpressionError::NoElement(
                self.base.name().to_owned(),
                element.to_owned(),
            ));
        }
        self.program.nodes[0].presences.push(Presence {
            parameter: parameter.number,
            members,
        });
        Ok(())
    }

    fn root(&self) -> Cursor {
        let kind = self
            .definitions
            .schema
            .of_resource(self.base)
            .expect("every concrete type has elements");
        Cursor {
            node: 0,
            kind,
            value_set: None,
            resolves_to: None,
            repeats: false,
        }
    }

    fn follow(&mut self, start: Cursor, steps: &[Step<'_>]) -> Result<Vec<Cursor>, ExpressionError> {
        let mut cursors = vec![start];
        for (at, step) in steps.iter().enumerate() {
            match *step {
                Step::Child(name) if at == 0 && self.is_base(name) => {}
                Step::Child(name) => {
                    let is_first = steps.get(at + 1) == Some(&Step::First);
                    cursors = self.children(&cursors, name, is_first)?;
                }
                Step::First => {}
                Step::Resource => cursors = vec![self.root()],
                // Some expressions of the standard say `DateTime` for `dateTime`.
                Step::As(name) => cursors.retain(|cursor| {
                    let schema = &self.definitions.schema;
                    schema.is(cursor.kind, name) || schema.path(cursor.kind).eq_ignore_ascii_case(name)
                }),
                Step::ResolvesTo(kind) => cursors.iter_mut().for_each(|cursor| cursor.resolves_to = Some(kind)),
                Step::Where(field, text) => {
                    for cursor in &mut cursors {
                        cursor.node = self.program.filter(cursor.node, Name::find(field), text);
                    }
                }
            }
        }
        Ok(cursors)
    }

    fn is_base(&self, name: &str) -> bool {
        name == self.base.name() || name == "Resource" || name == "DomainResource"
    }

    fn children(&mut self, cursors: &[Cursor], element: &str, is_first: bool) -> Result<Vec<Cursor>, ExpressionError> {
        let mut found = Vec::new();
        for cursor in cursors {
            for field in self.fields(cursor.kind, element).collect::<Vec<_>>() {
                found.push(Cursor {
                    node: self.program.edge(cursor.node, field.name, is_first),
                    kind: field.kind,
                    value_set: field.value_set,
                    resolves_to: None,
                    repeats: cursor.repeats || (field.is_array && !is_first),
                });
            }
        }
        if found.is_empty() {
            let kinds: Vec<_> = cursors
                .iter()
                .map(|cursor| self.definitions.schema.path(cursor.kind))
                .collect();
            return Err(ExpressionError::NoElement(kinds.join(", "), element.to_owned()));
        }
        Ok(found)
    }

    /// The members of a type that are the element `element`: several for a choice.
    fn fields<'e>(&self, kind: TypeId, element: &'e str) -> impl Iterator<Item = Field> + use<'e> {
        let fields = self.definitions.schema.fields(kind).iter().copied();
        fields.filter(move |field| field.element(field.name.text()) == element)
    }
}

/// An inline resource is only a target when it has the type that the parameter wants.
fn inline_target(convert: Convert, parameter: &SearchParameter) -> Option<ResourceType> {
    match &parameter.targets {
        Targets::These(kinds) if convert == Convert::Resource => kinds.first().copied(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parameters that cannot be compiled, each with the reason; every other one can.
    const GOLDEN: &str = include_str!("../../tests/uncompiled.txt");

    #[test]
    fn every_expression_compiles_or_is_listed() {
        let listed: Vec<_> = GOLDEN.lines().filter(|line| !line.starts_with('#')).collect();
        let mut failed = Vec::new();
        for parameter in SearchParameter::all() {
            let kinds: Vec<_> = match parameter.base {
                Some(kind) => vec![kind],
                None => ResourceType::all().collect(),
            };
            for kind in kinds {
                if let Err(error) = Program::new().add(kind, parameter) {
                    failed.push(format!("{kind} {}: {error}", parameter.code));
                }
            }
        }
        assert_eq!(failed, listed);
    }

    #[test]
    fn how_many_values_a_resource_may_have() {
        for (kind, code, expected) in [
            ("Observation", "subject", true),
            ("Observation", "patient", true),
            ("Observation", "value-quantity", true),
            ("Observation", "performer", false),
            // Of the observation itself, and of each component.
            ("Observation", "combo-code", false),
            ("Encounter", "participant", false),
            // In a list of parts, one each.
            ("Appointment", "actor", false),
            ("Patient", "organization", true),
            ("Patient", "general-practitioner", false),
            ("Patient", "_id", true),
        ] {
            let kind = ResourceType::find(kind).unwrap();
            let parameter = SearchParameter::find(kind, code).unwrap();
            assert_eq!(parameter.is_single(kind), expected, "{kind} {code}");
        }
    }

    #[test]
    fn parameters_of_one_element_share_a_node() {
        let condition = ResourceType::find("Condition").unwrap();
        let program = of(condition);
        let edge = program.nodes[0]
            .edges
            .iter()
            .find(|edge| edge.name == Name::find("subject"))
            .unwrap();
        let node = &program.nodes[edge.node as usize];
        assert_eq!(node.takes.len(), 1);
        let only: Vec<_> = node.takes[0]
            .emits
            .iter()
            .map(|emit| emit.only.map(ResourceType::name))
            .collect();
        assert_eq!(only, [Some("Patient"), None]);
    }
}
