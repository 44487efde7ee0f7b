//! The portal's entry page: how each service does, and for newcomers the path through the demo.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use hygie_web::i18n::Source;
use hygie_web::pages::{Design, Portal, PortalService, PortalStep, ServiceState};
use hygie_web::ui::{self, Identifier, Link, Page, View};

use crate::health::Health;

/// The messages of the portal.
pub const MESSAGES: Source = Source {
    fr: include_str!("../i18n/fr.ftl"),
    en: include_str!("../i18n/en.ftl"),
};

/// A service on the page. Its words are the messages `entry-{name}` and `entry-{name}.purpose`.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Its name, as the health listener names it.
    pub name: &'static str,
    /// Its address.
    pub address: String,
}

/// A step of the path. Its words are the messages `step-{name}` and `step-{name}-text`.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name.
    pub name: &'static str,
    /// Where it happens.
    pub href: String,
}

/// What the page shows.
#[derive(Clone)]
pub struct Entry {
    /// Name of the installation; a message `entry-demo` or `entry-installation`.
    pub heading: &'static str,
    /// The services, in the order in which they are used.
    pub services: Vec<Shown>,
    /// The path for newcomers; none in production.
    pub steps: Vec<Step>,
    /// How the services do.
    pub health: Health,
    /// Where the console of administration is, where there is one.
    pub console: Option<&'static str>,
}

/// The routes of the portal.
pub fn router(entry: Entry) -> Router {
    Router::new()
        .route("/", get(entry_page))
        .route("/design", get(design))
        .merge(ui::router())
        .with_state(entry)
}

async fn entry_page(State(entry): State<Entry>, page: Page) -> View<Portal> {
    let page = framed(page);
    let parts = entry.health.parts().await;
    let state_of = |name: &str| match parts.iter().find(|part| part.name == name) {
        Some(part) if !part.ok => ServiceState::Down,
        _ => ServiceState::Up,
    };
    let services = entry.services.iter().map(|shown| PortalService {
        name: page.t(&format!("entry-{}", shown.name)),
        purpose: page.t(&format!("entry-{}-purpose", shown.name)),
        state: state_of(shown.name),
        address: Identifier::new(&page, shown.address.clone(), page.t("portal-address")),
    });
    let steps = entry.steps.iter().map(|step| PortalStep {
        link: Link::new(step.href.clone(), page.t(&format!("step-{}", step.name))),
        text: page.t(&format!("step-{}-text", step.name)),
    });
    View(Portal {
        heading: page.t(entry.heading),
        attention: Vec::new(),
        services: services.collect(),
        steps: steps.collect(),
        often: entry
            .console
            .map(|address| Link::new(address, page.t("entry-console")))
            .into_iter()
            .chain([Link::new("/design", page.t("entry-design"))])
            .collect(),
        page,
    })
}

async fn design(page: Page) -> View<Design> {
    View(Design::new(framed(page), Vec::new()))
}

fn framed(page: Page) -> Page {
    let name = page.t("portal-title");
    page.service(name)
}
