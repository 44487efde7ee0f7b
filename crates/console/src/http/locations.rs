//! `/admin/locations` — named locations: ranges of addresses, trusted or not, and countries.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get as read_by;
use hygie_web::ui::{Field, Link, Notice, Page, Tone, View};
use serde_json::{Value, json};

use super::shown::VERSION;
use super::{Fields, Section, Visit, Wrong, done, refusal};
use crate::Console;
use crate::api::{ApiError, segment};
use crate::parts::{Area, Boxes, Part, Select};
use crate::sheet::{Block, Kind, List, Row, Sheet};
use crate::wire::Location;

const HERE: &str = "/admin/locations";
const LOCATIONS: &str = "/identity/conditionalAccess/namedLocations";
const KINDS: [&str; 2] = ["ip", "country"];

pub fn routes() -> Router<Console> {
    Router::new()
        .route(HERE, read_by(list))
        .route(&format!("{HERE}/new"), read_by(new).post(create))
        .route(&format!("{HERE}/{{id}}"), read_by(get).post(post))
}

async fn list(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    let all: Vec<Location> = visit.api().all(LOCATIONS, &[]).await?;
    let rows = all.iter().map(|one| Row {
        title: one.display_name.clone(),
        href: Some(format!("{HERE}/{}", segment(&one.id))),
        detail: lines(one).join(", "),
        tag: one.is_trusted.then(|| (Tone::Success, page.t("location-trusted"))),
        ..Row::default()
    });
    let mut sheet = Sheet::new(&page, visit.frame(&page, Section::Locations), page.t("admin-locations"));
    sheet.lead = page.t("locations-lead");
    sheet.action = Some(Link::new(format!("{HERE}/new"), page.t("locations-new")));
    sheet
        .lists
        .push(List::new("locations", page.t("locations-none"), rows.collect()));
    Ok(View(sheet).into_response())
}

/// Its ranges, or its countries.
fn lines(location: &Location) -> Vec<String> {
    let ranges = location.ip_ranges.iter().map(|range| range.cidr_address.clone());
    ranges.chain(location.countries_and_regions.iter().cloned()).collect()
}

/// What was typed, or what is there.
struct Typed {
    name: String,
    kind: String,
    lines: String,
    options: Vec<&'static str>,
}

impl Typed {
    fn of(fields: &Fields) -> Self {
        let ticked = |name: &&'static str| fields.all("option").any(|value| value == *name);
        Self {
            name: fields.get("name").to_owned(),
            kind: fields.get("kind").to_owned(),
            lines: fields.get("lines").to_owned(),
            options: ["trusted", "unknown"].into_iter().filter(ticked).collect(),
        }
    }

    fn document(&self) -> Value {
        let lines = self.lines.lines().map(str::trim).filter(|line| !line.is_empty());
        let is = |name: &str| self.options.contains(&name);
        if self.kind == "country" {
            return json!({
                "@odata.type": "#microsoft.graph.countryNamedLocation",
                "displayName": self.name,
                "countriesAndRegions": lines.map(str::to_ascii_uppercase).collect::<Vec<_>>(),
                "includeUnknownCountriesAndRegions": is("unknown"),
                "countryLookupMethod": "clientIpAddress",
            });
        }
        let ranges = lines.map(|line| {
            let kind = if line.contains(':') {
                "iPv6CidrRange"
            } else {
                "iPv4CidrRange"
            };
            json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "cidrAddress": line })
        });
        json!({
            "@odata.type": "#microsoft.graph.ipNamedLocation",
            "displayName": self.name,
            "isTrusted": is("trusted"),
            "ipRanges": ranges.collect::<Vec<_>>(),
        })
    }

    fn parts(&self, page: &Page) -> Vec<Part> {
        let kinds = KINDS.map(|kind| (kind.to_owned(), page.t(&format!("location-{kind}"))));
        let option = |name: &'static str| {
            let words = page.t(&format!("location-{name}-box"));
            (name.to_owned(), words, self.options.contains(&name))
        };
        vec![
            Part::Field(Field::text(page, "name", page.t("location-name")).value(&*self.name)),
            Part::Select(Select::new("kind", page.t("location-kind"), kinds.to_vec()).chosen(&self.kind)),
            Part::Area(Area {
                is_required: true,
                ..Area::new(
                    "lines",
                    page.t("location-lines"),
                    page.t("location-lines-hint"),
                    self.lines.clone(),
                )
            }),
            Part::Boxes(Boxes {
                name: "option",
                legend: page.t("method-options"),
                options: vec![option("trusted"), option("unknown")],
            }),
        ]
    }
}

async fn new(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    Ok(blank(&visit, &page, &Typed::of(&Fields(Vec::new())), None))
}

async fn create(visit: Visit, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let (page, typed) = (visit.page(), Typed::of(&fields));
    match visit.api().post(LOCATIONS, &typed.document()).await {
        Ok(_) => Ok(done(HERE, "location-made")),
        Err(error) => {
            let notice = refusal(&page, error)?;
            Ok(blank(&visit, &page, &typed, Some(notice)))
        }
    }
}

fn blank(visit: &Visit, page: &Page, typed: &Typed, wrong: Option<Notice>) -> Response {
    let mut frame = visit.frame(page, Section::Locations);
    frame.notices.extend(wrong);
    let mut sheet = Sheet::new(page, frame, page.t("locations-new"));
    sheet.back = Some(Link::new(HERE, page.t("admin-locations")));
    sheet.blocks.push(Block {
        parts: typed.parts(page),
        kind: Kind::Primary,
        ..Block::new(
            "new",
            String::new(),
            visit.form(format!("{HERE}/new")),
            ("create", page.t("locations-create")),
        )
    });
    View(sheet).into_response()
}

async fn get(visit: Visit, Path(id): Path<String>) -> Result<Response, Wrong> {
    let page = visit.page();
    show(&visit, page, &id, (None, None)).await
}

async fn post(visit: Visit, Path(id): Path<String>, fields: Fields) -> Result<Response, Wrong> {
    visit.check(&fields)?;
    let (page, api) = (visit.page(), visit.api());
    let (path, typed) = (format!("{LOCATIONS}/{}", segment(&id)), Typed::of(&fields));
    let version = fields.get(VERSION);
    let is_deletion = fields.get("step") == "delete" && fields.get("sure") == "yes";
    let (result, word) = if is_deletion {
        (api.delete_version(&path, version).await, "location-deleted")
    } else {
        (
            api.patch_version(&path, &typed.document(), version).await,
            "location-changed",
        )
    };
    match result {
        Ok(()) => Ok(done(HERE, word)),
        Err(error) => {
            // What somebody else changed is shown as it is now.
            let is_kept = !is_deletion && !matches!(error, ApiError::Changed);
            let notice = refusal(&page, error)?;
            show(&visit, page, &id, (Some(notice), Some(typed).filter(|_| is_kept))).await
        }
    }
}

async fn show(
    visit: &Visit,
    page: Page,
    id: &str,
    (wrong, typed): (Option<Notice>, Option<Typed>),
) -> Result<Response, Wrong> {
    let path = format!("{LOCATIONS}/{}", segment(id));
    let (location, version): (Location, String) = visit.api().get_version(&path).await?;
    let is_country = location.kind.ends_with("countryNamedLocation");
    let options = [
        ("trusted", location.is_trusted),
        ("unknown", location.include_unknown_countries_and_regions),
    ];
    let typed = typed.unwrap_or_else(|| Typed {
        name: location.display_name.clone(),
        kind: KINDS[usize::from(is_country)].to_owned(),
        lines: lines(&location).join("\n"),
        options: options
            .into_iter()
            .filter(|(_, is)| *is)
            .map(|(name, _)| name)
            .collect(),
    });
    let mut frame = visit.frame(&page, Section::Locations);
    frame.notices.extend(wrong);
    let mut sheet = Sheet::new(&page, frame, location.display_name.clone());
    sheet.back = Some(Link::new(HERE, page.t("admin-locations")));
    sheet.tag = location.is_trusted.then(|| (Tone::Success, page.t("location-trusted")));
    let form = visit.form(format!("{HERE}/{}", segment(id))).carry(VERSION, version);
    sheet.blocks = vec![
        Block {
            parts: typed.parts(&page),
            kind: Kind::Primary,
            ..Block::new(
                "edit",
                page.t("policy-edit"),
                form.clone(),
                ("save", page.t("policy-save")),
            )
        },
        Block::danger(&page, form, page.t("location-delete-sure"), page.t("location-delete")),
    ];
    Ok(View(sheet).into_response())
}
