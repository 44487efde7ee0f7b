//! `GET /admin/gaps` — sign-ins with one factor: how many a day as a chart, and where they are.

use askama::Template;
use axum::response::{IntoResponse, Response};
use hygie_web::ui::{Page, View};

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
    tables: Vec<(String, Vec<Gap>)>,
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
        (page.t("gaps-applications"), std::mem::take(&mut gaps.by_application)),
        (page.t("gaps-users"), std::mem::take(&mut gaps.by_user)),
        (page.t("gaps-platforms"), std::mem::take(&mut gaps.by_platform)),
        (page.t("gaps-locations"), std::mem::take(&mut gaps.by_location)),
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
}
