//! The query options of a request, together.

use super::entity::{EntityType, Kind};
use super::filter::{Filter, Literal, Operator, Path, Pin};
use super::lexer::{Token, Tokens};
use super::search::Search;
use super::{QueryError, parser};

/// Items of a page, when nothing is said, and at most.
const PAGE: u32 = 100;
const MAX_PAGE: u32 = 999;
/// Most properties in `$select` and `$orderby`, and most `$expand`.
const MAX_LIST: usize = 100;

/// What a request asks beyond its path.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The properties to show; those of the default view when absent.
    pub select: Option<Vec<&'static str>>,
    /// Which entities.
    pub filter: Option<Filter>,
    /// In which order.
    pub order: Vec<Order>,
    /// Items of a page.
    pub top: u32,
    /// Whether the number of all entities is told.
    pub counts: bool,
    /// Which entities, by words.
    pub search: Option<Search>,
    /// What is shown with each entity.
    pub expand: Vec<Expand>,
    /// Where an earlier page ended: a text of ours.
    pub skip_token: Option<String>,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            select: None,
            filter: None,
            order: Vec::new(),
            top: PAGE,
            counts: false,
            search: None,
            expand: Vec::new(),
            skip_token: None,
        }
    }
}

/// One sort key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The property.
    pub property: &'static str,
    /// Which way.
    pub direction: Direction,
}

/// Which way a list is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The least first.
    Ascending,
    /// The greatest first.
    Descending,
}

/// What is shown with an entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expand {
    /// The navigation property.
    pub navigation: &'static str,
    /// The properties of what it leads to; those of their default view when absent. What they are of is told by each item.
    pub select: Option<Vec<String>>,
}

/// Whether the answer may be a little late (`ConsistencyLevel`): advanced queries need it in Entra ID, and so here, that
/// what works here works there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// Nothing was said.
    Default,
    /// `eventual`.
    Eventual,
}

impl Query {
    /// Reads the decoded query options of a request for entities of this type. Names may lack their `$`.
    pub fn parse<'a>(
        options: impl IntoIterator<Item = (&'a str, &'a str)>,
        entity: &'static EntityType,
        consistency: Consistency,
    ) -> Result<Self, QueryError> {
        let mut query = Self::default();
        let mut seen = Vec::new();
        for (given, value) in options {
            let name = given.strip_prefix('$').unwrap_or(given).to_ascii_lowercase();
            if seen.contains(&name) {
                return Err(QueryError::Option(given.to_owned()));
            }
            match name.as_str() {
                "select" => query.select = Some(select(value, entity)?),
                "filter" => query.filter = Some(parser::filter(value, entity)?),
                "orderby" => query.order = order(value, entity)?,
                "top" => query.top = top(value)?,
                "count" => query.counts = flag(value)?,
                "search" => query.search = Some(Search::parse(value, entity)?),
                "expand" => query.expand = expand(value, entity)?,
                "skiptoken" => query.skip_token = Some(value.to_owned()),
                _ => return Err(QueryError::Option(given.to_owned())),
            }
            seen.push(name);
        }
        if !query.expand.is_empty() {
            // Each entity of the page is read with what it leads to.
            query.top = query.top.min(PAGE);
        }
        match query.advanced() {
            Some(what) if consistency == Consistency::Default || !query.counts => Err(QueryError::NeedsEventual(what)),
            _ => Ok(query),
        }
    }

    /// The properties to show: those that are selected, and those that entities are expanded by.
    pub fn view(&self) -> Option<Vec<&'static str>> {
        let mut view = self.select.clone()?;
        view.extend(self.expand.iter().map(|expand| expand.navigation));
        Some(view)
    }

    /// The same of entities of this type alone, in a collection whose entities say theirs.
    #[must_use]
    pub fn of_type(mut self, entity: &EntityType) -> Self {
        let is_of_it = Filter::Compare {
            path: Path {
                variable: None,
                members: vec!["@odata.type"],
                is_count: false,
            },
            operator: Operator::Eq,
            value: Literal::Text(format!("#microsoft.graph.{}", entity.name).into()),
        };
        let all = std::iter::once(is_of_it).chain(self.filter);
        self.filter = Some(Filter::And(all.collect()));
        self
    }

    /// Whether this property is to be shown, or is asked about.
    pub fn asks(&self, property: &str) -> bool {
        self.select.as_ref().is_some_and(|select| select.contains(&property))
            || self.filter.as_ref().is_some_and(|filter| filter.asks(property))
            || self.order.iter().any(|order| order.property == property)
    }

    /// How entities that are kept in the order of this property are walked: the beginning that it has and the direction,
    /// when that is the order asked for, or the way to the few that the filter finds.
    pub fn walks_by(&self, property: &str) -> Option<(String, Direction)> {
        let pin = self.filter.as_ref().and_then(|filter| filter.pin(property));
        let beginning = match pin {
            Some(Pin::StartsWith(text)) => Some(text.to_owned()),
            Some(Pin::OneOf(texts)) if texts.len() == 1 => texts.first().map(|text| (*text).to_owned()),
            _ => None,
        };
        match self.order.as_slice() {
            [order] if order.property == property => Some((beginning.unwrap_or_default(), order.direction)),
            [] => beginning.map(|beginning| (beginning, Direction::Ascending)),
            _ => None,
        }
    }

    /// What of it is an advanced query.
    fn advanced(&self) -> Option<&'static str> {
        let filter = self.filter.as_ref();
        filter
            .and_then(Filter::advanced)
            .or_else(|| self.search.as_ref().map(|_| "$search"))
            .or_else(|| {
                filter
                    .filter(|_| !self.order.is_empty())
                    .map(|_| "$filter and $orderby")
            })
    }
}

/// `id,displayName`; `*` is everything.
fn select(text: &str, entity: &'static EntityType) -> Result<Vec<&'static str>, QueryError> {
    let mut names = Vec::new();
    for name in text.split(',').map(str::trim).take(MAX_LIST + 1) {
        if name == "*" {
            names.extend(entity.properties.iter().map(|property| property.name));
            continue;
        }
        let property = entity.find(name).ok_or_else(|| QueryError::Unknown {
            name: name.to_owned(),
            entity: entity.name,
        })?;
        names.push(property.name);
    }
    if names.len() > MAX_LIST.max(entity.properties.len()) {
        return Err(QueryError::TooComplex("$select"));
    }
    Ok(names)
}

/// `displayName desc,id`.
fn order(text: &str, entity: &'static EntityType) -> Result<Vec<Order>, QueryError> {
    let mut tokens = Tokens::of("$orderby", text)?;
    let mut all = Vec::new();
    loop {
        let name = tokens.need_word("a property")?;
        let property = entity.find(&name).ok_or_else(|| QueryError::Unknown {
            name: name.clone(),
            entity: entity.name,
        })?;
        if matches!(property.kind, Kind::List(_) | Kind::Complex(_)) || all.len() == MAX_LIST {
            return Err(QueryError::Kind { name });
        }
        let direction = if tokens.take_word("desc") {
            Direction::Descending
        } else {
            tokens.take_word("asc");
            Direction::Ascending
        };
        all.push(Order {
            property: property.name,
            direction,
        });
        if !tokens.take_sign(',') {
            tokens.need_end()?;
            return Ok(all);
        }
    }
}

/// `members($select=id,displayName),owners`.
fn expand(text: &str, entity: &'static EntityType) -> Result<Vec<Expand>, QueryError> {
    let mut tokens = Tokens::of("$expand", text)?;
    let mut all = Vec::new();
    loop {
        let name = tokens.need_word("a navigation property")?;
        let Some(navigation) = entity.find_navigation(&name).filter(|_| all.len() < MAX_LIST) else {
            return Err(QueryError::Unknown {
                name,
                entity: entity.name,
            });
        };
        let select = if tokens.take_sign('(') {
            Some(nested(&mut tokens)?)
        } else {
            None
        };
        all.push(Expand { navigation, select });
        if !tokens.take_sign(',') {
            tokens.need_end()?;
            return Ok(all);
        }
    }
}

/// `$select=id,displayName)`.
fn nested(tokens: &mut Tokens) -> Result<Vec<String>, QueryError> {
    if !tokens.take_word("$select") {
        return Err(tokens.expected("$select"));
    }
    tokens.need_sign('=', "'='")?;
    let mut names = vec![tokens.need_word("a property")?];
    while tokens.take_sign(',') {
        if names.len() == MAX_LIST {
            return Err(QueryError::TooComplex("$expand"));
        }
        names.push(tokens.need_word("a property")?);
    }
    tokens.need_sign(')', "')'")?;
    match tokens.peek() {
        None | Some(Token::Sign(',')) => Ok(names),
        Some(_) => Err(tokens.expected("','")),
    }
}

fn top(text: &str) -> Result<u32, QueryError> {
    let top = text.parse().map_err(|_| QueryError::Value("$top"))?;
    if (1..=MAX_PAGE).contains(&top) {
        Ok(top)
    } else {
        Err(QueryError::Value("$top"))
    }
}

fn flag(text: &str) -> Result<bool, QueryError> {
    text.to_ascii_lowercase()
        .parse()
        .map_err(|_| QueryError::Value("$count"))
}
