//! A job and two workers who do anything in any order, against a model of what should come of it.

use std::collections::BTreeSet;
use std::time::Duration;

use hygie_core::{SeededRandom, Timestamp};

use super::{Board, TTL, assert_lost, step};
use crate::{Bench, Moving, below};
use hygie_store::Owner;
use hygie_store::jobs::{Cancel, Demand, JobId, KEPT, Lease, MAX_ATTEMPTS, Outcome, State};

/// What the job should be like.
struct Model {
    state: State,
    due: Timestamp,
    /// Claims so far: the fence of the lease that counts.
    fence: i64,
    attempts: u32,
    is_cancelling: bool,
    done: u64,
    effects: i64,
}

impl Model {
    fn holds(&self, lease: &Lease) -> bool {
        self.state == State::Running && lease.fence() == self.fence
    }
}

/// One job, two workers, everything that either may do in any order.
struct Play {
    board: Board,
    /// Decides the game, the same each time. From the context's the engine takes too, as often as time has it: then a busy
    /// machine now and then sees only games that end alike.
    dice: SeededRandom,
    id: JobId,
    owners: [Owner; 2],
    /// Every lease that was ever given, so that old ones are tried.
    leases: Vec<Lease>,
    model: Model,
}

pub async fn any_interleaving_of_two_workers_is_safe(bench: Bench<'_>) {
    const GAMES: u64 = 25;
    const STEPS: u64 = 60;
    let mut ends = BTreeSet::new();
    for game in 0..GAMES {
        let (moving, cx) = Moving::of(bench.cx);
        let cx = cx.for_tenant(bench.tenant(u128::from(game) + 100).tenant);
        let board = Board::of(&bench, &cx);
        let mut play = Play {
            dice: SeededRandom::new(game),
            id: board.submit("play", b"").await,
            owners: [(); 2].map(|()| Owner::random(&*cx.random)),
            leases: Vec::new(),
            model: Model {
                state: State::Queued,
                due: cx.clock.now(),
                fence: 0,
                attempts: 0,
                is_cancelling: false,
                done: 0,
                effects: 0,
            },
            board,
        };
        for _ in 0..STEPS {
            play.step(&moving).await;
            play.check().await;
        }
        play.end(&moving).await;
        ends.insert(format!("{:?}", play.model.state));
        assert_eq!(
            bench.things(&cx).await.len() as i64,
            play.model.effects,
            "effects of holders only"
        );
    }
    assert!(ends.len() >= 3, "the games are too much alike: {ends:?}");
}

impl Play {
    fn draw(&self, end: u64) -> u64 {
        below(&self.dice, end)
    }

    async fn step(&mut self, moving: &Moving) {
        match self.draw(16) {
            0..4 => self.claim().await,
            4..7 => moving.pass(Duration::from_secs(self.draw(25))),
            7 if self.draw(6) == 0 => self.cancel().await,
            _ if self.leases.is_empty() => {}
            work => {
                // Mostly the newest, sometimes one that was lost.
                let newest = self.leases.len() as u64 - 1;
                let at = if self.draw(3) == 0 {
                    self.draw(newest + 1)
                } else {
                    newest
                };
                let lease = self.leases[at as usize].clone();
                self.work(work, &lease).await;
            }
        }
    }

    async fn claim(&mut self) {
        let owner = self.owners[self.draw(2) as usize];
        let claim = self.board.claim("play", owner).await;
        let (now, model) = (self.board.cx.clock.now(), &mut self.model);
        if model.state.is_final() || now < model.due {
            assert_eq!(claim, None);
        } else if model.attempts >= MAX_ATTEMPTS {
            assert_eq!(claim, None);
            (model.state, model.due) = (State::Abandoned, now + KEPT);
        } else {
            let claim = claim.expect("a job that nobody has");
            model.fence += 1;
            model.attempts += 1;
            (model.state, model.due) = (State::Running, now + TTL);
            assert_eq!(
                (claim.lease.fence(), claim.job.is_cancelling),
                (model.fence, model.is_cancelling)
            );
            assert_eq!(claim.job.progress.done, model.done);
            self.leases.push(claim.lease);
        }
    }

    async fn cancel(&mut self) {
        let found = self.board.cancel(self.id).await;
        let (now, model) = (self.board.cx.clock.now(), &mut self.model);
        let expected = match model.state {
            State::Queued if model.fence == 0 => {
                (model.state, model.due) = (State::Cancelled, now + KEPT);
                Cancel::Ended
            }
            State::Queued => {
                model.due = now;
                Cancel::Asked
            }
            State::Running => Cancel::Asked,
            _ => Cancel::TooLate,
        };
        model.is_cancelling |= expected != Cancel::TooLate;
        assert_eq!(found, expected);
    }

    async fn work(&mut self, work: u64, lease: &Lease) {
        let (board, holds, now) = (self.board.clone(), self.model.holds(lease), self.board.cx.clock.now());
        let model = &mut self.model;
        let lost = match work {
            7..10 => board.effect(lease, model.effects).await.map(|()| model.effects += 1),
            10..12 => {
                let demand = board.heartbeat(lease, None).await;
                demand.map(|demand| {
                    assert_eq!(demand == Demand::Stop, model.is_cancelling);
                    model.due = now + TTL;
                })
            }
            12..14 => {
                let recorded = board.heartbeat(lease, Some(step(model.done + 1))).await;
                recorded.map(|_| {
                    model.done += 1;
                    (model.due, model.attempts) = (now + TTL, 1);
                })
            }
            14 => {
                let after = Duration::from_secs(40);
                board.release(lease, after).await.map(|()| {
                    model.attempts -= 1;
                    model.state = State::Queued;
                    model.due = if model.is_cancelling { now } else { now + after };
                })
            }
            // Rare: it ends the game.
            _ if below(&self.dice, 4) > 0 => return,
            _ => board.finish(lease, Outcome::Failed(Vec::new())).await.map(|()| {
                (model.state, model.due) = (State::Failed, now + KEPT);
            }),
        };
        if holds {
            lost.expect("the holder may work");
        } else {
            assert_lost(&lost, "work under a lost lease");
        }
    }

    async fn check(&self) {
        let job = self.board.find(self.id).await.expect("a job is never lost");
        let found = (job.state, job.progress.done, job.is_cancelling);
        assert_eq!(found, (self.model.state, self.model.done, self.model.is_cancelling));
    }

    /// Whatever happened: somebody can end it.
    async fn end(&mut self, moving: &Moving) {
        while !self.model.state.is_final() {
            moving.pass(Duration::from_mins(1));
            self.claim().await;
            let Some(lease) = self.leases.last().cloned().filter(|lease| self.model.holds(lease)) else {
                continue;
            };
            let outcome = Outcome::Succeeded(Vec::new());
            self.board.finish(&lease, outcome).await.expect("the holder may end it");
            self.model.state = State::Succeeded;
        }
        self.check().await;
    }
}
