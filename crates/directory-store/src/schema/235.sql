CREATE TABLE idp_log ({i.def}tenant {blob} NOT NULL, log {int} NOT NULL, id {blob} NOT NULL, entry_json TEXT NOT NULL,
  marks TEXT NOT NULL, PRIMARY KEY ({i.col}tenant, log, id));
CREATE TABLE idp_log_mark ({i.def}tenant {blob} NOT NULL, log {int} NOT NULL, mark TEXT NOT NULL, id {blob} NOT NULL,
  PRIMARY KEY ({i.col}tenant, log, mark, id)) {clustered};
CREATE TABLE idp_log_retention ({i.def}tenant {blob} NOT NULL, days {int} NOT NULL, PRIMARY KEY ({i.col}tenant));
