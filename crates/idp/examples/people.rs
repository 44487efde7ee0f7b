//! Measures what a sign-in costs in a tenant of few people and in one of many: the pages, the redemption of a code, a refresh
//! token, client credentials, in process and one after the other, so that what is told is the work and not the queue.
//!
//! ```text
//! cargo run --release -p hygie-idp --example people -- 100000
//! ```
//!
//! The figures of `docs/performance.md` about people come from here. Everything is on the disk and durable, behind all layers; TLS is not in it.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on panics")]
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
#![allow(dead_code, reason = "the world of the tests knows more than is measured")]

#[path = "../tests/it/world.rs"]
mod world;

use std::fs;
use std::time::{Duration, Instant};

use hygie_core::Secret;
use hygie_directory::NewUser;
use hygie_policy::Policy;
use hygie_policy::json::read;
use hygie_testkit::Client;
use serde_json::{Value, json};

use world::{FHIR, PASSWORD, WEB, World};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Of each kind.
const REPEATED: u32 = 300;
/// Sign-ins with a password: each is a hash that is slow on purpose.
const SIGN_INS: u32 = 30;
/// People made at once.
const LANES: usize = 32;

#[tokio::main]
async fn main() {
    let people: usize = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(100_000);
    let world = World::new().await;
    let policy = json!({
        "displayName": "Doctors from elsewhere", "state": "enabled",
        "conditions": {
            "users": { "includeUsers": ["All"], "excludeUsers": [world.nurse.to_string()] },
            "applications": { "includeApplications": ["All"] }, "clientAppTypes": ["all"],
        },
        "grantControls": { "operator": "OR", "builtInControls": ["mfa"] },
    });
    let policy: Policy = read(&policy).unwrap();
    world
        .idp
        .directory()
        .create_rule(&world.cx(world.tenant), policy)
        .await
        .unwrap();
    println!("{:>8}  {:<28} {:>9} {:>9}", "people", "what", "ms each", "CPU ms");
    for wanted in [100, people] {
        fill(&world, wanted).await;
        measure(&world, wanted).await;
    }
}

/// Makes people without a password until there are so many.
async fn fill(world: &World, wanted: usize) {
    let began = Instant::now();
    let cx = world.cx(world.tenant);
    let known = usize::try_from(world.idp.directory().count_users(&cx).await.unwrap()).unwrap();
    let mut next = known..wanted;
    loop {
        let lane: Vec<usize> = next.by_ref().take(LANES).collect();
        if lane.is_empty() {
            break;
        }
        let made = lane.into_iter().map(|n| {
            let new = NewUser {
                user_principal_name: format!("person{n}@ch-demo.example"),
                display_name: format!("Person {n}"),
                ..NewUser::default()
            };
            world.idp.directory().create_user(&cx, new)
        });
        futures_util::future::try_join_all(made).await.unwrap();
    }
    eprintln!("{wanted} people after {:.0?}", began.elapsed());
}

async fn measure(world: &World, people: usize) {
    let request = world.authorize(world.portal, WEB, &[]);
    let told = |what: &str, spent: Spent| {
        println!("{people:>8}  {what:<28} {:>9.2} {:>9.2}", spent.wall, spent.cpu);
    };
    let hash = async || {
        let password = Secret::new(PASSWORD.to_owned());
        world.idp.directory().passwords().verify(password, None).await.unwrap();
    };
    told("a hash of a password alone", spent(SIGN_INS, hash).await);
    let sign_in = async || {
        let answer = world.sign_in(&world.browser(), &request).await;
        assert!(answer.redirect_param("code").is_some(), "{}", answer.text());
    };
    told("sign-in by the pages", spent(SIGN_INS, sign_in).await);
    let browser = world.browser();
    world.sign_in(&browser, &request).await;
    let authorize = async || drop(code(&browser, &request).await);
    told("authorization with a session", spent(REPEATED, authorize).await);
    exchanges(world, &told, (&browser, &request)).await;
    println!("{people:>8}  {:<28} {:>9.1}", "resident memory, MiB", memory());
    // The limits of addresses are by the clock of the world.
    world.clock.advance(Duration::from_mins(20));
}

/// The token endpoint.
async fn exchanges(world: &World, told: &impl Fn(&str, Spent), (browser, request): (&Client, &str)) {
    let mut codes = Vec::new();
    for _ in 0..REPEATED {
        codes.push(code(browser, request).await);
    }
    let mut tokens: Vec<Value> = Vec::new();
    let redeem = async || {
        let answer = world.redeem(&codes.pop().unwrap()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        tokens.push(answer.json());
    };
    told("redemption of a code", spent(REPEATED, redeem).await);
    let refresh = async || {
        let token = tokens.pop().unwrap();
        let answer = world.refresh(token["refresh_token"].as_str().unwrap(), &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    told("refresh token", spent(REPEATED, refresh).await);
    let (id, scope) = (world.portal.to_string(), format!("{FHIR}/.default"));
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", &id),
        ("client_secret", &world.secret),
        ("scope", &scope),
    ];
    let ask = async || {
        let answer = world.token(&fields).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    told("client credentials", spent(REPEATED, ask).await);
}

async fn code(browser: &Client, request: &str) -> String {
    let answer = browser.get(request).await;
    answer
        .redirect_param("code")
        .unwrap_or_else(|| panic!("no code: {}", answer.text()))
}

/// Milliseconds of each.
struct Spent {
    wall: f64,
    cpu: f64,
}

/// The median on the clock, and the mean of the processor's time of the whole process.
async fn spent(times: u32, mut work: impl AsyncFnMut()) -> Spent {
    let (before, mut each) = (cpu(), Vec::new());
    for _ in 0..times {
        let began = Instant::now();
        work().await;
        each.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let cpu = (cpu() - before) / f64::from(times);
    each.sort_by(f64::total_cmp);
    Spent {
        wall: each[each.len() / 2],
        cpu,
    }
}

/// Milliseconds of the processor that this process spent, in steps of ten.
fn cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |n: usize| fields[n].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) * 10.0
}

fn memory() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}
