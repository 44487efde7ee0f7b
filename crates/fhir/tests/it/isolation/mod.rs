//! Isolation: tenants × workspaces × roles × issuers × kinds of token × every route of the router. Nothing answers what
//! the plain definition ([`model`]) excludes, and everything answers what it includes.

mod model;
mod world;

use std::collections::BTreeSet;

use axum::body::Body;
use http::Method;
use hygie_access::{AssigneeKind, Role};
use hygie_core::random_array;
use hygie_testkit::{Answer, SeededRandom};
use serde_json::json;

use model::{
    Action, BUILT, CONTENT, Door, FORMS, Form, Given, Holder, ISSUERS, Issuer, SERVICES, Service, Tenant, Token,
    expected, holders,
};
use world::World;

/// Random combinations besides those that are all tried.
const SAMPLE: usize = 2500;
const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// A request of the sweep.
#[derive(Clone, Copy, Debug)]
struct Probe {
    service: usize,
    door: Door,
    route: &'static str,
    method: &'static str,
    action: Action,
}

/// Every route with every method.
fn routes() -> Vec<(&'static str, &'static str, Action)> {
    let mut all = Vec::new();
    for (route, built) in BUILT {
        for method in METHODS {
            let action = built
                .iter()
                .find(|(name, _)| *name == method)
                .map(|(_, action)| *action);
            all.push((route, method, action.unwrap_or(Action::Unsupported)));
        }
    }
    all.extend(CONTENT);
    all
}

impl Probe {
    /// An address, content type and body that the route takes; `n` makes ids fresh.
    fn request(self, n: usize) -> (String, &'static str, String) {
        let place = &SERVICES[self.service];
        // A patch that changes nothing, of what is there.
        let id = if matches!(self.method, "GET" | "PATCH") {
            "marker".to_owned()
        } else {
            format!("n{n}")
        };
        let path = self
            .route
            .replace("{type}", "Patient")
            .replace("{id}", &id)
            .replace("{vid}", "1")
            .replace("{more}", "more")
            .replace("{*rest}", "and/more");
        let (content, body) = match (self.route, self.method) {
            ("/Binary" | "/Binary/{id}", "POST" | "PUT") => ("image/png", "content".to_owned()),
            (_, "GET" | "DELETE") => ("application/fhir+json", String::new()),
            (_, "PATCH") => ("application/fhir+json", r#"{"resourceType":"Parameters"}"#.to_owned()),
            ("/{type}/_search", _) => ("application/x-www-form-urlencoded", "_id=marker".to_owned()),
            ("" | "/", _) => {
                let entry = json!({"request": {"method": "GET", "url": "Patient/marker"}});
                let bundle = json!({"resourceType": "Bundle", "type": "batch", "entry": [entry]});
                ("application/fhir+json", bundle.to_string())
            }
            ("/.hygie/bulk", _) => {
                let patient = json!({"resourceType": "Patient", "id": id, "active": true});
                ("application/fhir+ndjson", patient.to_string())
            }
            _ => {
                let patient = json!({"resourceType": "Patient", "id": id, "active": true});
                ("application/fhir+json", patient.to_string())
            }
        };
        let query = match (self.route, self.method) {
            ("/{type}", "POST") => String::new(),
            ("/{type}", _) => format!("?_id={id}"),
            // The marker was the first.
            ("/{type}/_history", "GET") => "?_sort=_lastUpdated".to_owned(),
            _ => String::new(),
        };
        (
            format!("/{}/{}{path}{query}", place.workspace, place.name),
            content,
            body,
        )
    }
}

/// The patient of each service has a name of its own: an answer may hold that of the service which was asked, of a
/// caller who may read, and no other.
fn check(probe: Probe, token: Option<Token>, answer: &Answer) {
    let place = &SERVICES[probe.service];
    let status = match (token, probe.action) {
        (_, Action::Public) => 200,
        (None, _) => 401,
        (Some(token), action) => expected(place, probe.door, token, action),
    };
    let shown = format!("{probe:?} {token:?}: {}", String::from_utf8_lossy(&answer.body));
    // A public route has no other methods, for nobody.
    let is_public = matches!(
        probe.route,
        "/metadata" | "/.well-known/smart-configuration" | "/$versions"
    );
    if is_public && probe.action == Action::Unsupported {
        assert_eq!(answer.status, 405, "{shown}");
    } else {
        assert_eq!(answer.status.as_u16(), status, "{shown}");
    }
    let body = String::from_utf8_lossy(&answer.body);
    let may_read = token.is_some_and(|token| expected(place, probe.door, token, Action::Read) == 200);
    for (n, other) in SERVICES.iter().enumerate() {
        let marker = World::marker(other);
        let may_show = n == probe.service && may_read && probe.action != Action::Public;
        assert!(may_show || !body.contains(&marker), "{marker} in {shown}");
    }
    let is_content = probe.route.starts_with("/Binary");
    if probe.method == "GET" && (probe.action == Action::Read || is_content) && status == 200 {
        assert!(body.contains(&World::marker(place)), "{shown}");
    }
    if probe.action == Action::Enter && status == 200 {
        assert_eq!(body.contains(&World::marker(place)), may_read, "{shown}");
    }
}

async fn ask(world: &World, probe: Probe, token: Option<Token>, n: usize) {
    let (address, content, body) = probe.request(n);
    let authorization = token.map(|token| format!("Bearer {}", world.sign(token, probe.service)));
    let mut headers = vec![("content-type", content)];
    headers.extend(authorization.as_deref().map(|value| ("authorization", value)));
    let method = Method::from_bytes(probe.method.as_bytes()).expect("a method");
    let client = world.client(probe.door);
    let answer = client.send(method, &address, &headers, Body::from(body)).await;
    check(probe, token, &answer);
}

async fn ask_all(world: &World, all: &[(Probe, Option<Token>)]) {
    for (at, some) in all.chunks(32).enumerate() {
        let asking = some
            .iter()
            .enumerate()
            .map(|(n, (probe, token))| ask(world, *probe, *token, at * 32 + n));
        futures_util::future::join_all(asking).await;
    }
}

#[tokio::test]
async fn the_model_knows_every_route_of_the_router() {
    let world = World::new().await;
    let known: BTreeSet<String> = BUILT.iter().map(|(route, _)| (*route).to_owned()).collect();
    for place in &SERVICES {
        let base = format!("/{}/{}", place.workspace, place.name);
        let of_service = |path: &String| path.strip_prefix(&base).map(str::to_owned);
        let routes: BTreeSet<String> = world.routes.iter().filter_map(of_service).collect();
        assert_eq!(
            routes, known,
            "a route that is new needs its line in the model, which the sweep then tries"
        );
    }
    let others = world
        .routes
        .iter()
        .filter(|path| !path.starts_with("/one/") && !path.starts_with("/two/"));
    assert_eq!(others.collect::<Vec<_>>(), [""; 0]);
}

#[tokio::test]
async fn no_answer_but_what_the_definition_includes() {
    let world = World::new().await;
    let all = [everything(), sample()].concat();
    ask_all(&world, &all).await;
    // A sweep that is let in nowhere would prove nothing.
    let let_in = |(probe, token): &&(Probe, Option<Token>)| {
        let place = &SERVICES[probe.service];
        token.is_some_and(|token| (200..300).contains(&expected(place, probe.door, token, probe.action)))
    };
    let number = all.iter().filter(let_in).count();
    assert!(number * 8 > all.len(), "{number} of {} are let in", all.len());
}

/// Every route with every method, on each service: without a token, and with an application's of each role.
fn everything() -> Vec<(Probe, Option<Token>)> {
    let mut all = Vec::new();
    for (service, place) in SERVICES.iter().enumerate() {
        let mut seen = BTreeSet::new();
        let mut callers = vec![None];
        for holder in holders() {
            let token = application(holder);
            let is_here = expected(place, Door::Front, token, Action::Enter) == 200;
            if (is_here || holder.role == Role::FhirSmartUser) && seen.insert(holder.role.name()) {
                callers.push(Some(token));
            }
        }
        for (route, method, action) in routes() {
            let probe = Probe {
                service,
                door: Door::Front,
                route,
                method,
                action,
            };
            all.extend(callers.iter().map(|token| (probe, *token)));
        }
    }
    all
}

/// The whole product, at random.
fn sample() -> Vec<(Probe, Option<Token>)> {
    let random = SeededRandom::new(0x150);
    let draw = |below: usize| u64::from_le_bytes(random_array(&random)) as usize % below;
    let (holders, routes) = (holders(), routes());
    let is_built = |(_, _, action): &(_, _, Action)| !matches!(action, Action::Unsupported | Action::Public);
    let built: Vec<_> = routes.iter().copied().filter(is_built).collect();
    let one = |_| {
        // What is built more often than what is not.
        let some = if draw(4) == 0 { &routes } else { &built };
        let (route, method, action) = some[draw(some.len())];
        let door = if draw(3) == 0 { Door::Back } else { Door::Front };
        let holder = holders[draw(holders.len())];
        // Most callers are of the issuer and kind that the role was given for, and most of them call where it holds.
        let token = if draw(3) > 0 {
            suited(holder)
        } else {
            Token {
                issuer: ISSUERS[draw(ISSUERS.len())],
                form: FORMS[draw(FORMS.len())],
                holder: (draw(9) > 0).then_some(holder),
            }
        };
        let is_home = |place: &Service| expected(place, door, token, Action::Enter) == 200;
        let home = SERVICES.iter().position(is_home).filter(|_| draw(4) > 0);
        let probe = Probe {
            service: home.unwrap_or(draw(SERVICES.len())),
            door,
            route,
            method,
            action,
        };
        (probe, Some(token))
    };
    (0..SAMPLE).map(one).collect()
}

/// An application's token of the tenant in which the role was given.
fn application(holder: Holder) -> Token {
    Token {
        form: Form::App,
        ..suited(holder)
    }
}

/// The token for which the role was given.
fn suited(holder: Holder) -> Token {
    let issuer = match holder.tenant {
        Tenant::One => [Issuer::OneV1, Issuer::OneV2][holder.number as usize % 2],
        Tenant::Two => [Issuer::TwoV1, Issuer::TwoV2][holder.number as usize % 2],
        Tenant::Partner => [Issuer::PartnerV1, Issuer::PartnerV2][holder.number as usize % 2],
        Tenant::Provider => Issuer::Provider,
    };
    let form = match holder.given {
        _ if holder.role == Role::FhirSmartUser => Form::Smart,
        Given::To(AssigneeKind::App) => Form::App,
        Given::To(_) | Given::ByProfession => Form::Person,
    };
    Token {
        issuer,
        form,
        holder: Some(holder),
    }
}
