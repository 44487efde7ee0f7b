//! What a form was made from, which it carries along: what differs from it is what somebody changed, and what is otherwise by
//! now was changed by somebody else.

use hygie_web::ui::{Form, Notice, Page};
use serde_json::{Map, Value};

use super::problem::{Problem, told};
use super::{Fields, Wrong};

/// The field with the version of what the page showed.
pub const VERSION: &str = "version";
/// The field with what the page showed.
const SHOWN: &str = "shown";

/// A form with what the page shows. What was typed and not taken goes on from what it was typed over.
pub fn carried(form: Form, shown: Map<String, Value>, typed: Option<&Fields>) -> Form {
    let kept = typed.map(|typed| typed.get(SHOWN)).filter(|kept| !kept.is_empty());
    let shown = kept.map_or_else(|| Value::Object(shown).to_string(), str::to_owned);
    form.carry(SHOWN, shown)
}

/// What of a change differs from what the page showed: the rest stays as somebody else may have made it.
pub fn differing(fields: &Fields, mut change: Map<String, Value>) -> Map<String, Value> {
    let shown = shown(fields);
    change.retain(|member, value| shown.get(member) != Some(value));
    change
}

/// Refuses to change what somebody else changed since the page showed it.
pub fn refuse_changed(fields: &Fields, change: &Map<String, Value>, now: &Map<String, Value>) -> Result<(), Problem> {
    let shown = shown(fields);
    let is_other = |member: &String| shown.get(member).is_some_and(|shown| now.get(member) != Some(shown));
    if change.keys().any(is_other) {
        return Err(Problem::Changed);
    }
    Ok(())
}

/// What a page is shown again with after a refusal: what was typed, unless somebody else changed it, which is shown as it is now;
/// and the notice.
pub fn refused(page: &Page, problem: Problem, fields: Fields) -> Result<(Option<Fields>, Notice), Wrong> {
    let typed = (!matches!(problem, Problem::Changed)).then_some(fields);
    Ok((typed, told(page, problem)?))
}

fn shown(fields: &Fields) -> Map<String, Value> {
    serde_json::from_str(fields.get(SHOWN)).unwrap_or_default()
}
