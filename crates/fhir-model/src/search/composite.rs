//! Composite parameters: values that stand together in one element. <http://hl7.org/fhir/R4/search.html#composite>

use std::collections::HashMap;
use std::sync::OnceLock;

use super::extract::walk;
use super::program::{Composite, Start};
use super::value::Value;
use super::{ParameterKind, ParameterNumber, SearchParameter};
use crate::json::{Document, Json};

/// What a resource says of one value of a composite parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Together {
    /// Whether some element has a value for each part.
    pub present: bool,
    /// Whether in some element each part has a value that passes.
    pub passed: bool,
}

/// Whether the parameter is a composite whose parts can be found.
pub fn is_composite(parameter: &SearchParameter) -> bool {
    find(parameter.number).is_some()
}

/// Gives each value of each part (by its position) to `passes`, element by element.
pub fn composite(
    document: &Document,
    parameter: &SearchParameter,
    passes: &mut dyn FnMut(usize, &Value<'_>) -> bool,
) -> Together {
    let mut together = Together::default();
    let Some(compiled) = find(parameter.number) else {
        return together;
    };
    for branch in &compiled.branches {
        for element in elements(document.root(), &branch.element) {
            let (mut present, mut passed) = (true, true);
            for (at, part) in branch.parts.iter().enumerate() {
                let (mut has_value, mut has_passed) = (false, false);
                for (start, program) in part {
                    let from = match start {
                        Start::Element => element,
                        Start::Resource => document.root(),
                    };
                    walk(program, from, &mut |_, value| {
                        has_value = true;
                        has_passed |= passes(at, &value);
                    });
                }
                present &= has_value;
                passed &= has_passed;
            }
            together.present |= present;
            together.passed |= passed;
        }
    }
    together
}

/// The elements at the end of a path.
fn elements<'d>(root: Json<'d>, path: &[&str]) -> Vec<Json<'d>> {
    let mut found = vec![root];
    for name in path {
        let members = found.into_iter().filter_map(|value| value.find(name));
        found = members.flat_map(Json::each).collect();
    }
    found
}

/// All that compile, by number; compiled when the first is asked for.
fn find(number: ParameterNumber) -> Option<&'static Composite> {
    static COMPILED: OnceLock<HashMap<ParameterNumber, Composite>> = OnceLock::new();
    let compiled = COMPILED.get_or_init(|| {
        let composites = SearchParameter::all()
            .iter()
            .filter(|parameter| parameter.kind == ParameterKind::Composite);
        composites
            .filter_map(|parameter| Some((parameter.number, Composite::compile(parameter).ok()?)))
            .collect()
    });
    compiled.get(&number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ResourceType;
    use crate::json::Limits;

    fn ask(kind: &str, code: &str, text: &str, wanted: &[&str]) -> Together {
        let kind = ResourceType::find(kind).expect("a type");
        let parameter = SearchParameter::find(kind, code).expect("a parameter");
        assert!(is_composite(parameter));
        let document = Document::parse(text, &Limits::default()).expect("JSON");
        composite(&document, parameter, &mut |part, value| match value {
            Value::Token(token) => token.code == wanted[part],
            Value::Quantity(quantity) => quantity.low.is_some_and(|low| low.to_string() == wanted[part]),
            Value::Number(number) => number.to_string() == wanted[part],
            Value::String(text) => *text == wanted[part],
            _ => false,
        })
    }

    #[test]
    fn the_parts_stand_in_one_element() {
        let pressure = r#"{"resourceType":"Observation","code":{"coding":[{"code":"bp"}]},"component":[
            {"code":{"coding":[{"code":"sys"},{"code":"s"}]},"valueQuantity":{"value":120}},
            {"code":{"coding":[{"code":"dia"}]},"valueQuantity":{"value":80}},
            {"code":{"coding":[{"code":"none"}]}}]}"#;
        for (code, value, passed) in [
            ("sys", "120", true),
            ("s", "120", true),
            ("sys", "80", false),
            ("bp", "120", false),
        ] {
            let found = ask("Observation", "component-code-value-quantity", pressure, &[code, value]);
            assert_eq!(found, Together { present: true, passed }, "{code} {value}");
            assert_eq!(
                ask("Observation", "combo-code-value-quantity", pressure, &[code, value]),
                found
            );
        }
        let nothing = ask("Observation", "code-value-quantity", pressure, &["bp", "120"]);
        assert_eq!(
            nothing,
            Together::default(),
            "no value beside the code of the observation itself"
        );
    }

    #[test]
    fn a_part_may_be_of_the_resource() {
        let sequence = r#"{"resourceType":"MolecularSequence","referenceSeq":{"chromosome":{"coding":[{"code":"7"}]}},
            "variant":[{"start":5,"end":9},{"start":20,"end":30}]}"#;
        let found = |end| {
            ask(
                "MolecularSequence",
                "chromosome-variant-coordinate",
                sequence,
                &["7", "5", end],
            )
            .passed
        };
        assert!(found("9"));
        assert!(!found("30"));
    }

    #[test]
    fn all_but_the_one_that_is_published_wrong_compile() {
        let composites = SearchParameter::all()
            .iter()
            .filter(|parameter| parameter.kind == ParameterKind::Composite);
        let (compiled, failed): (Vec<_>, Vec<_>) = composites.partition(|parameter| is_composite(parameter));
        assert_eq!(compiled.len(), 71);
        let codes: Vec<_> = failed.iter().map(|parameter| parameter.code).collect();
        assert_eq!(codes, ["relationship"]);
    }
}
