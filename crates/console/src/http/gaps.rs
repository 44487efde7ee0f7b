//! `GET /admin/gaps` — sign-ins with one factor: how many a day as a chart, and where they are.

use askama::Template;
use axum::response::{IntoResponse, Response};
use hygie_web::ui::{Page, View};

use super::sign_ins::in_words;
use super::{Frame, Section, Visit, Wrong};
use crate::wire::{Gap, Gaps};

/// Members of each kind.
const TOP: &str = "10";
/// Days of the chart, and its size in its own units.
const DAYS: usize = 30;
const HEIGHT: u64 = 120;
const BAR: usize = 20;

#[derive(Template)]
#[template(path = "gaps.html")]
struct Shown {
    page: Page,
    frame: Frame,
    gaps: Gaps,
    percent: u64,
    bars: Vec<Bar>,
    width: usize,
    tables: Vec<(String, Vec<Row>)>,
}

/// A line of a table, with its bar.
struct Row {
    name: Option<String>,
    all: u64,
    single: u64,
    percent: u64,
    /// Lengths of all sign-ins and of those with one factor.
    long: u64,
    short: u64,
}

/// The longest bar of a table, in its own units.
const LENGTH: u64 = 120;

/// Systems by their usual names.
fn platforms(page: &Page, mut gaps: Vec<Gap>) -> Vec<Gap> {
    for gap in &mut gaps {
        let name = gap.id.as_deref().map(|id| in_words(page, "platform", id));
        gap.display_name = name.or(gap.display_name.take());
    }
    gaps
}

/// The lines of a table; the one with the most sign-ins has the longest bar.
fn rows(gaps: Vec<Gap>) -> Vec<Row> {
    let most = gaps.iter().map(|gap| gap.sign_ins).max().unwrap_or_default().max(1);
    let row = |gap: Gap| Row {
        percent: (gap.single_factor * 100).checked_div(gap.sign_ins).unwrap_or_default(),
        long: gap.sign_ins * LENGTH / most,
        short: gap.single_factor * LENGTH / most,
        all: gap.sign_ins,
        single: gap.single_factor,
        name: gap.display_name.or(gap.id),
    };
    gaps.into_iter().map(row).collect()
}

/// A day of the chart.
struct Bar {
    x: usize,
    day: String,
    all: u64,
    single: u64,
    /// Heights of all sign-ins and of those with one factor.
    tall: u64,
    short: u64,
}

pub async fn get(visit: Visit) -> Result<Response, Wrong> {
    let page = visit.page();
    let mut gaps: Gaps = visit.api().get("/reports/multiFactorGaps", &[("$top", TOP)]).await?;
    let tables = vec![
        (
            page.t("gaps-applications"),
            rows(std::mem::take(&mut gaps.by_application)),
        ),
        (page.t("gaps-users"), rows(std::mem::take(&mut gaps.by_user))),
        (
            page.t("gaps-platforms"),
            rows(platforms(&page, std::mem::take(&mut gaps.by_platform))),
        ),
        (page.t("gaps-locations"), rows(std::mem::take(&mut gaps.by_location))),
    ];
    let bars = bars(std::mem::take(&mut gaps.by_day));
    Ok(View(Shown {
        frame: visit.frame(&page, Section::Gaps),
        percent: (gaps.single_factor * 100)
            .checked_div(gaps.sign_ins)
            .unwrap_or_default(),
        width: DAYS * BAR,
        bars,
        tables,
        gaps,
        page,
    })
    .into_response())
}

fn bars(mut days: Vec<Gap>) -> Vec<Bar> {
    days.sort_by(|a, b| a.id.cmp(&b.id));
    let days = days.split_off(days.len().saturating_sub(DAYS));
    let most = days.iter().map(|day| day.sign_ins).max().unwrap_or_default().max(1);
    // Today stands at the right, however few the days.
    let empty = DAYS - days.len();
    let bar = |(number, day): (usize, Gap)| Bar {
        x: (empty + number) * BAR,
        tall: day.sign_ins * HEIGHT / most,
        short: day.single_factor * HEIGHT / most,
        all: day.sign_ins,
        single: day.single_factor,
        day: day.id.unwrap_or_default(),
    };
    days.into_iter().enumerate().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tallest_day_fills_the_chart() {
        let day = |id: &str, sign_ins, single_factor| Gap {
            id: Some(id.to_owned()),
            display_name: None,
            sign_ins,
            single_factor,
        };
        let bars = bars(vec![day("2026-11-02", 10, 5), day("2026-11-01", 20, 0)]);
        let told: Vec<_> = bars
            .iter()
            .map(|bar| (bar.day.as_str(), bar.x, bar.tall, bar.short))
            .collect();
        assert_eq!(told, [("2026-11-01", 560, 120, 0), ("2026-11-02", 580, 60, 30)]);
        assert!(super::bars(Vec::new()).is_empty());
    }

    #[test]
    fn the_longest_bar_is_that_of_the_most_sign_ins() {
        let gap = |name: Option<&str>, sign_ins, single_factor| Gap {
            id: Some("id".to_owned()),
            display_name: name.map(str::to_owned),
            sign_ins,
            single_factor,
        };
        let rows = rows(vec![gap(Some("a"), 10, 5), gap(None, 40, 3), gap(None, 0, 0)]);
        let told: Vec<_> = rows
            .iter()
            .map(|row| (row.name.as_deref(), row.percent, row.long, row.short))
            .collect();
        assert_eq!(
            told,
            [(Some("a"), 50, 30, 15), (Some("id"), 7, 120, 9), (Some("id"), 0, 0, 0)]
        );
    }
}
