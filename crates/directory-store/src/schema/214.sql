CREATE TABLE idp_change_count ({i.def}tenant {blob} NOT NULL, number {int} NOT NULL, PRIMARY KEY ({i.col}tenant));
CREATE TABLE idp_change ({i.def}tenant {blob} NOT NULL, kind {int} NOT NULL, object {blob} NOT NULL,
  number {int} NOT NULL, became {int} NOT NULL, PRIMARY KEY ({i.col}tenant, kind, object));
CREATE INDEX idp_change_number ON idp_change ({i.col}tenant, kind, number);
