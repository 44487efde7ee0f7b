//! The shared pages with example content, to be looked at while they are made: `cargo run -p hygie-web --example gallery`,
//! then <http://127.0.0.1:4410/design>. Sizes, themes and languages are the browser's to choose.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use futures_util::future::BoxFuture;
use hygie_core::{Clock, Cx, ErrorKind, Random, Timestamp};
use hygie_store::audit::Record;
use hygie_store::{Engine, Store, StoreError, Work};
use hygie_web::error::{PageError, Pages};
use hygie_web::i18n::shell_messages;
use hygie_web::layers::{Cors, FormAction, Layers, Limits, Settings, layers};
use hygie_web::pages::{
    Account, ChooseAccount, Design, Password, Portal, PortalService, PortalStep, ServiceState, SignIn, SignedOut,
};
use hygie_web::ui::{Field, Form, Identifier, Input, Link, Notice, Page, Session, Summary, Tone, View, Ways};

// As long as they are in life.
const APP: &str = "Dossier patient informatisé du groupement hospitalier de territoire Rhône-Vercors-Vivarais";
const USER: &str = "marie-emmanuelle.de-la-rochefoucauld@centre-hospitalier-intercommunal.example";
const PLACE: &str = "Centre hospitalier intercommunal de Villeneuve-Saint-Georges Lucie-et-Raymond-Aubrac";

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let settings = Settings {
        service: "gallery",
        clock: Arc::new(Fixed),
        random: Arc::new(Fixed),
        limits: Limits::default(),
        proxies: Vec::new(),
        messages: shell_messages(),
        home: "/".into(),
        render: Arc::new(Pages),
        cors: |_| Cors::Closed,
        hsts: None,
        store: Store::new(Arc::new(NoStore)),
        refusals_interval: Duration::from_mins(1),
    };
    let router = Router::new()
        .route("/", get(portal))
        .route("/design", get(design))
        .route("/sign-in", get(async |page| sign_in(page, "", None)))
        .route("/sign-in-error", get(sign_in_error))
        .route("/password", get(async |page| password(page, false)))
        .route("/password-error", get(async |page| password(page, true)))
        .route("/choose", get(choose))
        .route("/signed-out", get(async |page| signed_out(page, true, &[])))
        .route(
            "/signed-out-others",
            get(async |page| signed_out(page, false, &["Dr Amine Benali"])),
        )
        .route("/error/{number}", get(error))
        .merge(hygie_web::ui::router());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:4410").await?;
    axum::serve(listener, layers(router, &Layers::new(settings))).await
}

fn sign_in(page: Page, typed: &str, error: Option<String>) -> (FormAction, View<SignIn>) {
    let page = page.service("Connexion");
    let username = Field::new(&page, Input::Name, "username", page.t("signin-username"))
        .hint(page.t1("signin-username-hint", "domain", "ch-demo.example"))
        .autocomplete("username")
        .value(typed)
        .error(error)
        .focus();
    let model = SignIn {
        summary: Summary::of(&page, [&username]),
        form: Form::new("/sign-in", "token"),
        username,
        to: Some(APP.to_owned()),
        organisation: Some(PLACE.to_owned()),
        other: None,
        ways: Ways {
            form: Form::new("/sign-in", "token"),
            ways: vec![("passkey", "Utiliser une clé d'accès".to_owned())],
        },
        page,
    };
    (FormAction::to("https://app.example/cb"), View(model))
}

async fn sign_in_error(page: Page) -> (FormAction, View<SignIn>) {
    let error = page.t("signin-username-unknown");
    sign_in(page, "camille.moreau@ch-demo", Some(error))
}

fn password(page: Page, wrong: bool) -> View<Password> {
    let page = page.service("Connexion");
    let password = Field::new(&page, Input::Password, "password", page.t("password-label"))
        .autocomplete("current-password")
        .error(wrong.then(|| page.t("password-wrong")))
        .focus();
    View(Password {
        summary: Summary::of(&page, [&password]),
        form: Form::new("/password", "token"),
        password,
        to: Some(APP.to_owned()),
        account: USER.to_owned(),
        other: Form::new("/sign-in", "token"),
        ways: Ways {
            form: Form::new("/sign-in", "token"),
            ways: vec![("passkey", "Utiliser une clé d'accès".to_owned())],
        },
        page,
    })
}

async fn choose(page: Page) -> View<ChooseAccount> {
    let account = |name: &str, user_name: &str, signed_in| Account {
        value: user_name.to_owned(),
        name: name.to_owned(),
        user_name: user_name.to_owned(),
        signed_in,
    };
    View(ChooseAccount {
        form: Form::new("/choose", "token"),
        accounts: vec![
            account("Marie-Emmanuelle de la Rochefoucauld", USER, true),
            account("Dr Amine Benali", "amine.benali@ch-demo.example", false),
        ],
        to: Some(APP.to_owned()),
        page: page.service("Connexion"),
    })
}

fn signed_out(page: Page, ended: bool, remaining: &[&str]) -> View<SignedOut> {
    View(SignedOut {
        page,
        ended,
        remaining: remaining.iter().map(|&name| name.to_owned()).collect(),
        everyone: "/signed-out".to_owned(),
        next: None,
        frames: Vec::new(),
    })
}

/// The page of each kind of failure.
async fn error(Path(number): Path<usize>) -> Result<(), PageError> {
    const KINDS: [(ErrorKind, &str); 13] = [
        (ErrorKind::Invalid, "invalid"),
        (ErrorKind::Unauthenticated, "unauthenticated"),
        (ErrorKind::Forbidden, "forbidden"),
        (ErrorKind::NotFound, "not-found"),
        (ErrorKind::Gone, "gone"),
        (ErrorKind::Conflict, "conflict"),
        (ErrorKind::TooLarge, "too-large"),
        (ErrorKind::NotSupported, "not-supported"),
        (ErrorKind::TooMany, "too-many"),
        (ErrorKind::Unavailable, "unavailable"),
        (ErrorKind::Timeout, "timeout"),
        (ErrorKind::Internal, "internal"),
        (ErrorKind::Forbidden, "csrf"),
    ];
    let (kind, code) = KINDS[number % KINDS.len()];
    Err(PageError::new(kind, code, "what the program says"))
}

async fn portal(page: Page) -> View<Portal> {
    let page = page.service("Portail").session(Session {
        name: "Marie-Emmanuelle de la Rochefoucauld".to_owned(),
        place: Some(PLACE.to_owned()),
        sign_out: "/signed-out".to_owned(),
        csrf: "token".to_owned(),
    });
    View(Portal {
        heading: "Démonstration".to_owned(),
        attention: vec![Notice::new(&page, Tone::Warning, page.t("design-notice-warning"))],
        steps: vec![
            step(
                "/sign-in",
                "Se connecter comme infirmière",
                "Deux étapes : l’identifiant, puis le mot de passe.",
            ),
            step(
                "/design",
                "Lire les patients",
                "L’application lit le service FHIR avec le rôle de la personne.",
            ),
            step(
                "/error/2",
                "Être refusé",
                "Un compte sans rôle reçoit une explication, pas un code.",
            ),
        ],
        services: vec![
            service(
                &page,
                "Connexion",
                "Identité de l’établissement",
                ServiceState::Up,
                "https://localhost:8441",
            ),
            service(
                &page,
                "FHIR",
                "Données de santé",
                ServiceState::Degraded,
                "https://localhost:8446/demo/fhir",
            ),
            service(
                &page,
                "DICOM",
                "Images",
                ServiceState::Down,
                "https://localhost:8447/demo/dicom",
            ),
        ],
        often: vec![
            Link::new("/choose", "Changer de compte"),
            Link::new("/design", "Système de conception"),
        ],
        page,
    })
}

fn step(href: &str, title: &str, text: &str) -> PortalStep {
    PortalStep {
        link: Link::new(href, title),
        text: text.to_owned(),
    }
}

fn service(page: &Page, name: &str, purpose: &str, state: ServiceState, address: &str) -> PortalService {
    PortalService {
        name: name.to_owned(),
        purpose: purpose.to_owned(),
        state,
        address: Identifier::new(page, address, name),
    }
}

async fn design(page: Page) -> View<Design> {
    let links = [
        "/",
        "/sign-in",
        "/sign-in-error",
        "/password",
        "/password-error",
        "/choose",
        "/signed-out",
        "/signed-out-others",
        "/error/2",
        "/nowhere",
    ];
    View(Design::new(page, links.map(|path| Link::new(path, path)).to_vec()))
}

/// The gallery is the same at each start.
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1_795_249_800)
    }
}

impl Random for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0x5a);
    }
}

/// The gallery has no data and keeps no record.
struct NoStore;

impl Engine for NoStore {
    fn write<'a>(&'a self, _: &'a Cx, _: Box<dyn Work>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::Unavailable(None)) })
    }

    fn read<'a>(&'a self, _: &'a Cx, _: Box<dyn Work>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { Err(StoreError::Unavailable(None)) })
    }

    fn record(&self, _: Record) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}
