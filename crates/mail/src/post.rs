//! Sending: a consumer of the outbox.
//!
//! A relay that is not there stops the delivery, and all letters wait for it. One that refuses a letter for now (a full mailbox,
//! greylisting) does not stop the others: they go out, and this one is tried again, less and less often. What it refuses for good,
//! and what nobody took for days, is given up and said in the program's log, without an address.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use hygie_core::{Clock, Timestamp};
use hygie_directory_store::Letter;
use hygie_store::outbox::{Consumer, Event};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::{self, AsyncSmtpTransport};
use lettre::{AsyncTransport, Message, Tokio1Executor};
use parking_lot::Mutex;

use crate::letters::{Places, Text, Writer};
use crate::relay::{MailError, Relay};

/// The name of the consumer.
const NAME: &str = "mail";
/// A round ends before its lease, with a letter under way.
const ROUND: Duration = Duration::from_secs(12);
/// After a failure it is tried again after this, then after twice as long, up to a bound.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);
/// Nobody takes it: RFC 5321 §4.5.4.1 gives four to five days.
const GIVE_UP: Duration = Duration::from_hours(24 * 5);

/// Sends the letters of an installation.
pub struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    sender: Mailbox,
    hello: String,
    writer: Writer,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

/// What is known of letters that still are in the outbox.
#[derive(Default)]
struct State {
    /// They went out, and one before them did not.
    sent: BTreeSet<i64>,
    /// They were refused for now.
    refused: BTreeMap<i64, Pause>,
    /// The relay was not there.
    relay: Option<Pause>,
}

/// When something is tried again.
#[derive(Clone, Copy)]
struct Pause {
    until: Timestamp,
    next: Duration,
}

/// What became of a letter.
enum Outcome {
    Sent,
    /// It can never be sent.
    GivenUp(&'static str),
    /// The relay refuses this one for now.
    RefusedNow(Why),
    /// There is no relay to speak to.
    NoRelay(Why),
}

/// What may be told of a failure: what the relay answers may name an address, so of that only its number.
#[derive(Debug, Default)]
struct Why {
    status: Option<u16>,
    cause: Option<String>,
}

impl From<&smtp::Error> for Why {
    fn from(error: &smtp::Error) -> Self {
        let status = error.status().map(u16::from);
        let cause = std::error::Error::source(error).filter(|_| status.is_none());
        Self {
            status,
            cause: cause.map(ToString::to_string),
        }
    }
}

impl Mail {
    /// Sends by this relay, letters that lead to these places. Nothing is connected yet.
    pub fn new(relay: &Relay, places: Places, clock: Arc<dyn Clock>) -> Result<Self, MailError> {
        Ok(Self {
            clock,
            transport: relay.open()?,
            sender: relay.sender()?,
            hello: relay.hello.clone(),
            writer: Writer::new(places).map_err(MailError::Messages)?,
            state: Mutex::default(),
        })
    }

    async fn round(&self, events: &[Event]) -> usize {
        let started = self.clock.now();
        if !self.state.lock().begin(events, started) {
            return 0;
        }
        for event in events {
            let now = self.clock.now();
            if now.since(started) > ROUND {
                break;
            }
            if !self.state.lock().is_due(event.seq, now) {
                continue;
            }
            let outcome = self.send(event).await;
            let is_there = !matches!(outcome, Outcome::NoRelay(_));
            self.state.lock().keep(event, outcome, self.clock.now());
            if !is_there {
                break;
            }
        }
        self.state.lock().arrived(events)
    }

    async fn send(&self, event: &Event) -> Outcome {
        let letter: Letter = match serde_json::from_slice(&event.body) {
            Ok(letter) => letter,
            Err(_) => return Outcome::GivenUp("it cannot be read"),
        };
        let text = self.writer.write(event.tenant, &letter);
        let Some(message) = self.message(event, &letter, text) else {
            return Outcome::GivenUp("an address is none");
        };
        let Err(error) = self.transport.send(message).await else {
            return Outcome::Sent;
        };
        match error.status().map(u16::from) {
            // The answers to a letter and its addresses; others are about us (RFC 5321 §4.2.3).
            Some(550..=554) => Outcome::GivenUp("the mail server refuses it"),
            Some(450..=452) => Outcome::RefusedNow(Why::from(&error)),
            _ => Outcome::NoRelay(Why::from(&error)),
        }
    }

    fn message(&self, event: &Event, letter: &Letter, text: Text) -> Option<Message> {
        let millis = u64::try_from(letter.at.millis()).ok()?;
        // The same each time: a letter that arrives twice is known by it.
        let id = format!("<{}.{}@{}>", event.seq, event.tenant, self.hello);
        let mut builder = Message::builder()
            .from(self.sender.clone())
            .subject(text.subject)
            .date(UNIX_EPOCH + Duration::from_millis(millis))
            .message_id(Some(id))
            .header(ContentType::TEXT_PLAIN);
        builder = raw(builder, "Content-Language", text.lang.tag());
        // Nobody's absence answers it (RFC 3834 §5).
        builder = raw(builder, "Auto-Submitted", "auto-generated");
        for address in &letter.to {
            builder = builder.to(Mailbox::new(None, address.parse().ok()?));
        }
        builder.body(text.body).ok()
    }
}

fn raw(builder: MessageBuilder, name: &'static str, value: &str) -> MessageBuilder {
    let name = HeaderName::new_from_ascii_str(name);
    builder.raw_header(HeaderValue::new(name, value.to_owned()))
}

impl Consumer for Mail {
    fn name(&self) -> &str {
        NAME
    }

    fn deliver<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, usize> {
        Box::pin(self.round(events))
    }
}

impl State {
    /// Forgets what waits no more; whether the relay may be tried.
    fn begin(&mut self, events: &[Event], now: Timestamp) -> bool {
        let (first, last) = match events {
            [first, .., last] => (first.seq, last.seq),
            [one] => (one.seq, one.seq),
            [] => return false,
        };
        self.sent.retain(|seq| (first..=last).contains(seq));
        self.refused.retain(|seq, _| (first..=last).contains(seq));
        self.relay.is_none_or(|pause| pause.until <= now)
    }

    fn is_due(&self, seq: i64, now: Timestamp) -> bool {
        !self.sent.contains(&seq) && self.refused.get(&seq).is_none_or(|pause| pause.until <= now)
    }

    fn keep(&mut self, event: &Event, outcome: Outcome, now: Timestamp) {
        let is_old = now.since(event.at) > GIVE_UP;
        let said = match outcome {
            Outcome::Sent => {
                self.relay = None;
                metrics::counter!("hygie_mail_sent_total").increment(1);
                self.sent.insert(event.seq);
                return;
            }
            Outcome::RefusedNow(_) | Outcome::NoRelay(_) if is_old => "nobody took it for days",
            Outcome::GivenUp(why) => why,
            Outcome::RefusedNow(why) => {
                self.relay = None;
                let pause = Pause::after(self.refused.get(&event.seq), now);
                warn(event, &why, "a letter is refused for now", pause.next);
                self.refused.insert(event.seq, pause);
                return;
            }
            Outcome::NoRelay(why) => {
                let pause = Pause::after(self.relay.as_ref(), now);
                warn(event, &why, "the mail server takes no letters", pause.next);
                self.relay = Some(pause);
                return;
            }
        };
        metrics::counter!("hygie_mail_given_up_total").increment(1);
        tracing::error!(kind = %event.kind, tenant = %event.tenant, "a letter is given up: {said}");
        self.sent.insert(event.seq);
    }

    /// How many from the first on are done with.
    fn arrived(&self, events: &[Event]) -> usize {
        let done = events.iter().take_while(|event| self.sent.contains(&event.seq));
        done.count()
    }
}

impl Pause {
    fn after(before: Option<&Self>, now: Timestamp) -> Self {
        let next = before.map_or(FIRST_PAUSE, |before| (before.next * 2).min(LONGEST_PAUSE));
        Self {
            until: now + next,
            next,
        }
    }
}

fn warn(event: &Event, why: &Why, what: &str, again: Duration) {
    let (cause, again) = (why.cause.as_deref(), again.as_secs());
    tracing::warn!(kind = %event.kind, tenant = %event.tenant, status = why.status, cause, again_in_s = again, "{what}");
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_795_000_000_000);

    fn events(count: i64) -> Vec<Event> {
        let event = |seq| Event {
            seq,
            tenant: "00000000-0000-0000-0000-000000000007".parse().expect("an id"),
            kind: "letter.alert".to_owned(),
            key: "eva@ch.test".to_owned(),
            body: Vec::new(),
            at: START,
        };
        (1..=count).map(event).collect()
    }

    #[test]
    fn what_is_refused_for_now_holds_up_nobody() {
        let (mut state, all) = (State::default(), events(3));
        assert!(state.begin(&all, START));
        state.keep(&all[0], Outcome::RefusedNow(Why::default()), START);
        for event in &all[1..] {
            assert!(state.is_due(event.seq, START));
            state.keep(event, Outcome::Sent, START);
            assert!(!state.is_due(event.seq, START), "it is not sent twice");
        }
        assert_eq!(state.arrived(&all), 0, "what arrived after a gap stays in the outbox");
        assert!(!state.is_due(1, START));
        let later = START + FIRST_PAUSE;
        assert!(state.begin(&all, later) && state.is_due(1, later));
        state.keep(&all[0], Outcome::RefusedNow(Why::default()), later);
        assert!(!state.is_due(1, later + FIRST_PAUSE), "less and less often");
        assert!(state.is_due(1, later + FIRST_PAUSE * 2));
        state.keep(&all[0], Outcome::Sent, later);
        assert_eq!(state.arrived(&all), 3);
        state.begin(&events(4)[3..], later);
        assert!(
            state.sent.is_empty() && state.refused.is_empty(),
            "nothing is remembered for ever"
        );
    }

    #[test]
    fn a_relay_that_is_away_is_asked_less_and_less_often() {
        let (mut state, all) = (State::default(), events(2));
        let (mut now, mut pauses) = (START, Vec::new());
        for _ in 0..12 {
            assert!(state.begin(&all, now));
            state.keep(&all[0], Outcome::NoRelay(Why::default()), now);
            let pause = state.relay.expect("it was away");
            assert!(!state.begin(&all, now), "not at once");
            pauses.push(pause.next);
            now = pause.until;
        }
        assert_eq!(pauses[0], FIRST_PAUSE);
        assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!(pauses[11], LONGEST_PAUSE);
        assert!(state.begin(&all, now));
        state.keep(&all[0], Outcome::Sent, now);
        assert!(state.begin(&all, now), "it is there again");
    }

    #[test]
    fn what_nobody_took_for_days_is_given_up() {
        let (mut state, all) = (State::default(), events(2));
        state.keep(&all[0], Outcome::NoRelay(Why::default()), START + GIVE_UP);
        assert_eq!(state.arrived(&all), 0);
        let late = START + GIVE_UP + Duration::from_secs(1);
        state.keep(&all[0], Outcome::NoRelay(Why::default()), late);
        state.keep(&all[1], Outcome::GivenUp("an address is none"), START);
        assert_eq!(state.arrived(&all), 2);
    }
}
