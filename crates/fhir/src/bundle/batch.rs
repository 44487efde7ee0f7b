//! batch: each entry by itself; one that fails answers alone.

use futures_util::future::join_all;
use hygie_fhir_store::search::Handling;

use super::entry::Entry;
use crate::interaction::{Allowance, Answer, Error, new_id};
use crate::service::{Fhir, Mandate};

/// Entries that run at the same time: their commits are grouped.
const AT_ONCE: usize = 64;

/// Runs the entries; their answers in the order of the bundle.
pub async fn run(
    fhir: &Fhir,
    mandate: &Mandate,
    entries: Vec<Result<Entry, Error>>,
    handling: Handling,
) -> Vec<Result<Answer, Error>> {
    let mut answers: Vec<Option<Result<Answer, Error>>> = entries.iter().map(|_| None).collect();
    let mut waiting = Vec::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        match entry {
            Ok(entry) => waiting.push((entry.verb, index, entry)),
            Err(error) => answers[index] = Some(Err(error)),
        }
    }
    let allowed = Allowance::default();
    waiting.sort_by_key(|(verb, index, _)| (*verb, *index));
    let mut waiting = waiting.into_iter().peekable();
    while let Some(verb) = waiting.peek().map(|(verb, ..)| *verb) {
        let mut group = Vec::with_capacity(AT_ONCE);
        while let Some((_, index, entry)) = waiting.next_if(|(next, ..)| *next == verb && group.len() < AT_ONCE) {
            group.push(one(fhir, mandate, (index, entry), (handling, &allowed)));
        }
        for (index, answer) in join_all(group).await {
            answers[index] = Some(answer);
        }
    }
    answers
        .into_iter()
        .map(|answer| answer.expect("every entry was run"))
        .collect()
}

async fn one(
    fhir: &Fhir,
    mandate: &Mandate,
    (index, entry): (usize, Entry),
    (handling, allowed): (Handling, &Allowance),
) -> (usize, Result<Answer, Error>) {
    let prepared = entry.prepare(fhir, mandate, handling, new_id(&mandate.cx));
    let answer = match prepared {
        Ok(interaction) => interaction.settle(fhir, mandate, allowed).await,
        Err(error) => Err(error),
    };
    (index, answer)
}
