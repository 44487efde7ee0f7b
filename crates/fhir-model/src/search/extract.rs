//! Extraction: one walk over a resource, guided by the program of its type.

use super::program::{self, Node, Program};
use super::value::{Token, Value};
use super::{ParameterNumber, convert};
use crate::json::{Document, Json, Kind};
use crate::names::Name;
use crate::resource_type::ResourceType;

/// Gives every value of every standard search parameter of `document`, a resource of type `kind`, to `found`; composite
/// parameters are found by [`super::composite()`], `near` not at all. A value may come more than once. References to contained
/// resources are not given.
pub fn extract(document: &Document, kind: ResourceType, found: &mut dyn FnMut(ParameterNumber, Value<'_>)) {
    walk(program::of(kind), document.root(), found);
}

/// Runs a program over a value.
pub(super) fn walk(program: &Program, value: Json<'_>, found: &mut dyn FnMut(ParameterNumber, Value<'_>)) {
    Walk { program, found }.visit(&program.nodes[0], value);
}

struct Walk<'w> {
    program: &'w Program,
    found: &'w mut dyn FnMut(ParameterNumber, Value<'_>),
}

impl Walk<'_> {
    fn visit(&mut self, node: &Node, value: Json<'_>) {
        if value.kind() == Kind::Array {
            for item in value.items() {
                self.visit(node, item);
            }
            return;
        }
        for filter in &node.filters {
            if value.get_text(filter.field).is_some_and(|text| text == *filter.text) {
                let program = self.program;
                self.visit(&program.nodes[filter.node as usize], value);
            }
        }
        for take in &node.takes {
            self.take(take, value);
        }
        for presence in &node.presences {
            self.presence(presence, value);
        }
        if !node.edges.is_empty() {
            for member in value.members().filter(|member| !member.is_primitive_extension()) {
                self.follow(node, member);
            }
        }
    }

    fn follow(&mut self, node: &Node, member: Json<'_>) {
        let name = member.name();
        let first = node.edges.partition_point(|edge| edge.name < name);
        for edge in node.edges[first..].iter().take_while(|edge| edge.name == name) {
            let program = self.program;
            let next = &program.nodes[edge.node as usize];
            if edge.is_first && member.kind() == Kind::Array {
                if let Some(item) = member.items().next() {
                    self.visit(next, item);
                }
            } else {
                self.visit(next, member);
            }
        }
    }

    fn take(&mut self, take: &program::Take, value: Json<'_>) {
        let out: &mut convert::Out<'_> = &mut |target, value| {
            for emit in &take.emits {
                if emit.only.is_none() || emit.only == target {
                    (self.found)(emit.parameter, value);
                }
            }
        };
        take.convert.run(value, out);
    }

    /// True when one of the members is there and not `false`.
    fn presence(&mut self, presence: &program::Presence, value: Json<'_>) {
        let is_there = |name: &Name| value.get(*name).is_some_and(|member| member.boolean() != Some(false));
        let code = if presence.members.iter().any(is_there) {
            "true"
        } else {
            "false"
        };
        (self.found)(presence.parameter, Value::Token(Token { system: None, code }));
    }
}

#[cfg(test)]
mod tests;
