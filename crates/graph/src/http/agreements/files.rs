//! Files of agreements: a file is a version in a language, and the newest of each language is shown.
//! <https://learn.microsoft.com/graph/api/resources/agreementfilelocalization>

use axum::extract::{Path, Request, State};
use axum::response::Response;
use hygie_directory::agreements::{Terms, Upload};
use hygie_jose::base64url;
use hygie_policy::AgreementFileId;
use hygie_policy::agreement::{AgreementFile, NewFile, default_of, newest};
use hygie_policy::json::{At, Member, ReadError, Wrong, read};
use hygie_web::audit::Note;
use hygie_web::error::GraphError;
use serde_json::{Map, Value, json};

use super::super::answer::Of;
use super::super::caller::Caller;
use super::super::conditional;
use super::super::document::{created, large};
use super::super::list::{Item, Listed};
use super::{MAX_DOCUMENTS, READ, SET, WRITE, find, place};
use crate::entity::{AGREEMENT_FILE, shown};
use crate::{Graph, GraphFault};

const DATA: &str = "fileData";

/// A file that a client posts, its bytes read.
pub fn upload(new: NewFile) -> Result<Upload, ReadError> {
    // Graph writes plain base64, OData the one for addresses; either may lack its padding.
    let text = new
        .file_data
        .data
        .trim_end_matches('=')
        .replace('+', "-")
        .replace('/', "_");
    let place = At::Member(&At::Root, DATA);
    let pdf = base64url::decode(text).map_err(|_| At::Member(&place, "data").refuse(Wrong::NotA("base64")))?;
    Ok(Upload {
        file: AgreementFile {
            id: None,
            file_name: new.file_name,
            display_name: new.display_name,
            language: new.language,
            is_default: new.is_default,
            is_major_version: new.is_major_version,
            created_at: None,
        },
        pdf,
    })
}

/// Its bytes as Graph writes them.
fn base64(pdf: &[u8]) -> String {
    let mut text = base64url::encode(pdf).replace('-', "+").replace('_', "/");
    text.extend(std::iter::repeat_n('=', (4 - text.len() % 4) % 4));
    text
}

/// The members of a file; of those that are shown one is the default.
fn members(file: &AgreementFile, terms: &Terms) -> Map<String, Value> {
    let default = default_of(&newest(&terms.files)).and_then(|file| file.id);
    let mut members = conditional::object(file.write());
    members.insert("isDefault".to_owned(), (file.id == default).into());
    members
}

fn item(file: &AgreementFile, terms: &Terms) -> Item {
    (place(file.id.map(AgreementFileId::uuid)), members(file, terms))
}

/// A list of files, in order of their ids.
async fn page(
    graph: &Graph,
    caller: &Caller,
    (path, terms): (String, &Terms),
    files: Vec<&AgreementFile>,
) -> Result<Response, GraphError> {
    let query = caller.query_in_one_page(&AGREEMENT_FILE)?;
    let mut all: Vec<Item> = files.into_iter().map(|file| item(file, terms)).collect();
    all.sort_by_key(|(id, _)| *id);
    let listed = Listed {
        set: &path,
        path: &path,
        query: &query,
        default: None,
        total: None,
    };
    let fetch = async |at| Ok(conditional::page(&all, at));
    Ok(graph.list(caller, listed, fetch).await?)
}

pub async fn list(State(graph): State<Graph>, caller: Caller, Path(id): Path<String>) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let (id, terms) = find(&graph, &caller, &id).await?;
    let path = format!("{SET}/{id}/files");
    page(&graph, &caller, (path, &terms), newest(&terms.files)).await
}

pub async fn versions(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, file)): Path<(String, String)>,
) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let (id, terms) = find(&graph, &caller, &id).await?;
    let found = file_of(&terms, &file)?;
    let is_version = |other: &&AgreementFile| other.language.eq_ignore_ascii_case(&found.language);
    let all = terms.files.iter().filter(is_version).collect();
    let path = format!("{SET}/{id}/files/{file}/versions");
    page(&graph, &caller, (path, &terms), all).await
}

fn file_of<'a>(terms: &'a Terms, id: &str) -> Result<&'a AgreementFile, GraphFault> {
    let found = id.parse().ok().and_then(|id| terms.find(id));
    found.ok_or_else(|| GraphFault::NotFound(id.to_owned()))
}

/// A file, with its bytes where they are selected.
pub async fn get(
    State(graph): State<Graph>,
    caller: Caller,
    Path((id, file)): Path<(String, String)>,
) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let select = caller.select(&AGREEMENT_FILE)?;
    let (id, terms) = find(&graph, &caller, &id).await?;
    let found = file_of(&terms, &file)?;
    let mut all = members(found, &terms);
    let wants_bytes = select.as_ref().is_some_and(|select| select.contains(&DATA));
    if let Some(file) = found.id.filter(|_| wants_bytes) {
        let pdf = graph.directory().agreement_pdf(&caller.cx, id, file).await?;
        let data = pdf.map(|pdf| json!({ "data": base64(&pdf) }));
        all.insert(DATA.to_owned(), data.into());
    }
    let of = Of {
        set: &format!("{SET}/{id}/files"),
        select: select.as_deref(),
    };
    let note = Note::new("graph.read", format!("agreement/{id}"));
    Ok(graph.one(&of, shown(all, select.as_deref()), note))
}

/// `file`: the file that is shown to those whose languages there is none in, with those in the others.
pub async fn shown_first(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, GraphError> {
    caller.need(READ)?;
    let (id, terms) = find(&graph, &caller, &id).await?;
    let newest = newest(&terms.files);
    let first = default_of(&newest).ok_or_else(|| GraphFault::NotFound(id.to_string()))?;
    let mut all = members(first, &terms);
    let localizations: Vec<Value> = newest.iter().map(|file| Value::Object(members(file, &terms))).collect();
    all.insert("localizations".to_owned(), localizations.into());
    let note = Note::new("graph.read", format!("agreement/{id}"));
    let of = Of {
        set: &format!("{SET}/{id}/file"),
        select: None,
    };
    Ok(graph.one(&of, all, note))
}

pub async fn post(
    State(graph): State<Graph>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, GraphError> {
    caller.may_change_policies(&graph, &[WRITE]).await?;
    let upload = upload(read::<NewFile>(&large(request, MAX_DOCUMENTS).await?)?)?;
    let id = id.parse().map_err(|_| GraphFault::NotFound(id))?;
    let made = graph.directory().create_agreement_file(&caller.cx, id, upload).await?;
    let file = made.id.map(|file| file.to_string()).unwrap_or_default();
    let set = format!("{SET}/{id}/files");
    let of = Of {
        set: &set,
        select: None,
    };
    let answer = graph.one(&of, conditional::object(made.write()), Note::recorded());
    Ok(created(answer, &graph.address(&format!("{set}/{file}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(data: &str) -> NewFile {
        let document = json!({ "fileName": "a.pdf", "language": "fr", "fileData": { "data": data } });
        read(&document).expect("a file")
    }

    #[test]
    fn bytes_are_read_in_both_alphabets() {
        for bytes in [&[0xfb, 0xef, 0xff][..], b"%PDF", b"%PDF-", b""] {
            let plain = base64(bytes);
            assert_eq!(plain.len() % 4, 0);
            for text in [plain.clone(), base64url::encode(bytes)] {
                assert_eq!(upload(file(&text)).expect("bytes").pdf, bytes, "{text}");
            }
        }
        for wrong in ["%", "a", "YQ==YQ==", "Y Q", "é"] {
            let error = upload(file(wrong)).expect_err("no base64");
            assert_eq!(error.to_string(), "fileData.data: must be base64", "{wrong}");
        }
    }
}
