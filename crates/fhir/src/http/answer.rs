//! Answers of interactions as HTTP: status, headers, body in the format that was agreed.
//! <http://hl7.org/fhir/R4/http.html#2.21.0.4>

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LAST_MODIFIED, LOCATION};
use axum::response::{IntoResponse, Response};
use hygie_fhir_store::repo::Version;
use hygie_web::audit::Note;

use super::call::{Call, Failed};
use super::headers::http_date;
use crate::interaction::{Allowance, Answer, Error, Interaction};
use crate::wire::{Return, done, etag, list, location, pretty, shown};

/// How many a conditional deletion with `_count` deleted, as in Azure.
const ITEMS_DELETED: HeaderName = HeaderName::from_static("items-deleted");

impl Call {
    /// Runs an interaction and answers.
    pub async fn run(&self, interaction: Interaction) -> Result<Response, Failed> {
        Ok(self.respond(&self.settle(interaction).await?))
    }

    /// Runs an interaction.
    pub async fn settle(&self, interaction: Interaction) -> Result<Answer, Error> {
        interaction
            .settle(&self.fhir, &self.mandate, &Allowance::default())
            .await
    }

    /// The response, which says whether the transaction recorded it.
    pub fn respond(&self, answer: &Answer) -> Response {
        let response = self.answer(answer);
        if answer.is_recorded() {
            (Note::recorded(), response).into_response()
        } else {
            response
        }
    }

    /// The response.
    pub fn answer(&self, answer: &Answer) -> Response {
        match answer {
            Answer::Found(version) => (Self::validators(version), self.body(shown(version))).into_response(),
            Answer::NotModified(version) => (StatusCode::NOT_MODIFIED, Self::validators(version)).into_response(),
            Answer::Created(version) => (StatusCode::CREATED, self.written(version)).into_response(),
            Answer::Updated(version) | Answer::Matched(version) => self.written(version),
            Answer::Deleted(version) | Answer::Absent(Some(version)) => {
                (StatusCode::NO_CONTENT, Self::validators(version)).into_response()
            }
            Answer::DeletedSeveral(count) => {
                (StatusCode::NO_CONTENT, [(ITEMS_DELETED, count.to_string())]).into_response()
            }
            Answer::Absent(None) => StatusCode::NO_CONTENT.into_response(),
            Answer::List(page) => self.body(list(self.fhir.base(), &self.mandate.cx, page)),
        }
    }

    fn written(&self, version: &Version) -> Response {
        let location = header(location(self.fhir.base(), version));
        let headers = ([(LOCATION, location)], Self::validators(version));
        match self.prefer.returns {
            Return::Representation => (headers, self.body(shown(version))).into_response(),
            Return::Minimal => (headers, ()).into_response(),
            Return::Outcome => (headers, self.body(done(&self.mandate.cx))).into_response(),
        }
    }

    /// Entity tag and last update.
    pub fn validators(version: &Version) -> [(HeaderName, HeaderValue); 2] {
        [
            (ETAG, header(etag(version.number))),
            (LAST_MODIFIED, header(http_date(version.updated))),
        ]
    }

    /// A body of JSON.
    pub fn body(&self, text: String) -> Response {
        let text = if self.format.is_pretty { pretty(text) } else { text };
        ([(CONTENT_TYPE, self.format.content_type)], Body::from(text)).into_response()
    }
}

fn header(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("addresses, tags and dates are ASCII")
}
