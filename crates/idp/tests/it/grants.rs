//! Codes and refresh tokens under concurrency: whatever is sent, in whatever order, to whichever of two processes, a code is
//! redeemed once, a refresh token within its grace only, and after a reuse nothing of the grant is good any more.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hygie_core::{Clock, Timestamp};
use hygie_testkit::{Answer, Client, SeededRandom};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::runtime::Runtime;

use crate::world::{WEB, World, edge, exchange, open};

/// RFC 6749 §4.1.2 recommends ten minutes at most; ours are good for five.
const CODE: Duration = Duration::from_mins(5);
/// How long a refresh token that was used stays good.
const GRACE: Duration = Duration::from_mins(1);

/// A request of the client.
#[derive(Clone, Copy, Debug)]
enum Request {
    /// Redeems the code.
    Code,
    /// Uses one of the refresh tokens that it was given.
    Refresh(prop::sample::Index),
}

/// A request with what it names: the code, or the token of this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Code,
    Refresh(usize),
}

/// Time goes by, then these are sent at once, each to the process of its number.
type Step = (u64, Vec<(Request, bool)>);

fn request() -> impl Strategy<Value = (Request, bool)> {
    let request = prop_oneof![
        1 => Just(Request::Code),
        4 => any::<prop::sample::Index>().prop_map(Request::Refresh),
    ];
    (request, any::<bool>())
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let seconds = prop_oneof![3 => 0..5_u64, 3 => 20..45_u64, 1 => 59..63_u64, 1 => 100..200_u64];
    vec((seconds, vec(request(), 1..5)), 1..9)
}

/// A refresh token that was given, and when it was used first.
struct Given {
    text: String,
    used_at: Option<Timestamp>,
}

/// What must hold of one grant.
struct Model {
    issued_at: Timestamp,
    is_redeemed: bool,
    is_dead: bool,
    tokens: Vec<Given>,
}

impl Model {
    /// Whether the code may be redeemed.
    fn has_code(&self, now: Timestamp) -> bool {
        !self.is_redeemed && !self.is_dead && now.since(self.issued_at) < CODE
    }

    /// Whether the use of a token is a theft: it was used, longer ago than processes that share it need.
    fn is_late(&self, n: usize, now: Timestamp) -> bool {
        self.tokens[n].used_at.is_some_and(|at| now.since(at) > GRACE)
    }

    /// What a request names now; nothing while there is no token.
    fn named(&self, request: Request) -> Option<Sent> {
        match request {
            Request::Code => Some(Sent::Code),
            Request::Refresh(at) => (!self.tokens.is_empty()).then(|| Sent::Refresh(at.index(self.tokens.len()))),
        }
    }

    /// Judges what was answered to what was sent at once.
    fn judge(&mut self, answered: &[(Sent, Answer)], now: Timestamp) -> Result<(), TestCaseError> {
        let (mut uses, mut codes) = (Vec::new(), Vec::new());
        for (sent, answer) in answered {
            match sent {
                Sent::Code => codes.push(answer),
                Sent::Refresh(n) => uses.push((*n, answer)),
            }
        }
        let is_stolen = uses.iter().any(|(n, _)| self.is_late(*n, now));
        let is_reused = self.is_redeemed && !codes.is_empty() || self.has_code(now) && codes.len() > 1;
        let redeemed = codes.iter().filter(|answer| answer.status == 200).count();
        let expected = usize::from(self.has_code(now) && !codes.is_empty());
        prop_assert_eq!(redeemed, expected, "of {} at once", codes.len());
        for (n, answer) in &uses {
            let is_good = !self.is_dead && !self.is_late(*n, now);
            let is_given = answer.status == 200;
            prop_assert!(is_good || !is_given, "token {n}: {}", answer.text());
            // Beside one that ends the grant it depends on which comes first.
            prop_assert!(
                is_given || !is_good || is_stolen || is_reused,
                "token {n}: {}",
                answer.text()
            );
            if is_given {
                self.tokens[*n].used_at.get_or_insert(now);
            }
        }
        self.is_redeemed |= redeemed > 0;
        self.is_dead |= is_stolen || is_reused;
        for (_, answer) in answered.iter().filter(|(_, answer)| answer.status == 200) {
            let text = answer.json()["refresh_token"].as_str().unwrap_or_default().to_owned();
            prop_assert!(self.tokens.iter().all(|given| given.text != text), "a token twice");
            self.tokens.push(Given { text, used_at: None });
        }
        Ok(())
    }
}

/// Two processes over one store.
struct Processes {
    world: World,
    second: Client,
    browser: Client,
}

impl Processes {
    async fn start() -> Self {
        let world = World::new().await;
        let random = Arc::new(SeededRandom::new(77));
        let idp = open(&world.store, &world.clock, &random).await;
        let layers = edge(&world.trail, &world.clock, &random);
        let second = Client::new(&hygie_web::layers::layers(hygie_idp::router(idp), &layers));
        let browser = world.browser();
        Self { world, second, browser }
    }

    /// A code for the nurse, who stays signed in as long as her session lasts.
    async fn code(&self) -> String {
        let request = self.world.authorize(self.world.portal, WEB, &[]);
        let known = self.browser.get(&request).await;
        let answer = if known.status == 200 {
            self.world.sign_in(&self.browser, &request).await
        } else {
            known
        };
        answer
            .redirect_param("code")
            .unwrap_or_else(|| panic!("no code in {}", answer.text()))
    }

    async fn send(&self, sent: Sent, to_second: bool, (code, tokens): (&str, &[Given])) -> Answer {
        let id = self.world.portal.to_string();
        let mut fields = match sent {
            Sent::Code => exchange(&id, code, WEB).to_vec(),
            Sent::Refresh(n) => vec![
                ("grant_type", "refresh_token"),
                ("client_id", id.as_str()),
                ("refresh_token", tokens[n].text.as_str()),
            ],
        };
        fields.push(("client_secret", &self.world.secret));
        let path = self.world.path("oauth2/v2.0/token");
        if to_second {
            self.second.post(&path, &fields).await
        } else {
            self.world.browser().post(&path, &fields).await
        }
    }

    async fn run(&self, steps: &[Step]) -> Result<(), TestCaseError> {
        let code = self.code().await;
        let mut model = Model {
            issued_at: self.world.clock.now(),
            is_redeemed: false,
            is_dead: false,
            tokens: Vec::new(),
        };
        for (seconds, sent) in steps {
            self.world.clock.advance(Duration::from_secs(*seconds));
            let known = (code.as_str(), &model.tokens[..]);
            let named = sent
                .iter()
                .filter_map(|(request, second)| Some((model.named(*request)?, *second)));
            let answered =
                join_all(named.map(async |(sent, second)| (sent, self.send(sent, second, known).await))).await;
            model.judge(&answered, self.world.clock.now())?;
        }
        // What came of a grant that was stolen is dead, whichever of the two is asked.
        for n in (0..model.tokens.len()).filter(|_| model.is_dead) {
            let answer = self.send(Sent::Refresh(n), n % 2 == 0, (&code, &model.tokens)).await;
            prop_assert_ne!(answer.status, 200, "token {} of a dead grant", n);
        }
        Ok(())
    }
}

#[test]
fn no_sequence_redeems_a_code_twice_or_a_refresh_token_late() {
    let runtime = Runtime::new().expect("a runtime");
    let processes = runtime.block_on(Processes::start());
    let mut runner = TestRunner::new(ProptestConfig::with_cases(64));
    let outcome = runner.run(&steps(), |steps| runtime.block_on(processes.run(&steps)));
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
