//! `$search` over directory objects: `"displayName:text"`, joined by `AND` and `OR`.
//! <https://learn.microsoft.com/graph/search-query-parameter>

use serde_json::Value;

use super::QueryError;
use super::entity::{EntityType, Kind};
use super::lexer::{Token, Tokens};

const SEARCH: &str = "$search";
/// Most conditions.
const MAX_TERMS: usize = 32;

/// What is searched for: one of these lists, each term of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search(pub Vec<Vec<Term>>);

/// A text in a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The property.
    pub property: &'static str,
    /// The text, without case.
    pub text: String,
}

impl Search {
    /// Reads a `$search`.
    pub(super) fn parse(text: &str, entity: &'static EntityType) -> Result<Self, QueryError> {
        let mut tokens = Tokens::of(SEARCH, text)?;
        let mut all = vec![vec![term(&mut tokens, entity)?]];
        let mut count = 1;
        while tokens.peek().is_some() {
            let is_or = tokens.take_word("OR");
            if !is_or && !tokens.take_word("AND") {
                return Err(tokens.expected("AND or OR"));
            }
            count += 1;
            if count > MAX_TERMS {
                return Err(QueryError::TooComplex(SEARCH));
            }
            let term = term(&mut tokens, entity)?;
            match all.last_mut().filter(|_| !is_or) {
                Some(last) => last.push(term),
                None => all.push(vec![term]),
            }
        }
        Ok(Self(all))
    }

    /// Whether this entity is one.
    pub fn matches(&self, entity: &Value) -> bool {
        self.0.iter().any(|all| all.iter().all(|term| term.matches(entity)))
    }
}

impl Term {
    /// The beginning of a word of a name or description; of anything else, the beginning of the whole.
    fn matches(&self, entity: &Value) -> bool {
        let Some(found) = entity.get(self.property).and_then(Value::as_str) else {
            return false;
        };
        let found = found.to_lowercase();
        if !matches!(self.property, "displayName" | "description") {
            return found.starts_with(&self.text);
        }
        let words = |text: &str| -> Vec<String> {
            let words = text.split(|c: char| !c.is_alphanumeric());
            words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        let found = words(&found);
        words(&self.text)
            .iter()
            .all(|wanted| found.iter().any(|word| word.starts_with(wanted)))
    }
}

fn term(tokens: &mut Tokens, entity: &'static EntityType) -> Result<Term, QueryError> {
    let Some(Token::Quoted(text)) = tokens.peek().cloned() else {
        return Err(tokens.expected("\"property:text\""));
    };
    let Some((name, text)) = text.split_once(':') else {
        return Err(tokens.expected("\"property:text\""));
    };
    let property = entity.find(name.trim()).ok_or_else(|| QueryError::Unknown {
        name: name.to_owned(),
        entity: entity.name,
    })?;
    if property.kind != Kind::Text {
        return Err(QueryError::Kind { name: name.to_owned() });
    }
    tokens.take();
    Ok(Term {
        property: property.name,
        text: text.trim().to_lowercase(),
    })
}
