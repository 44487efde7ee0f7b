CREATE TABLE idp_certificate ({i.def}tenant {blob} NOT NULL, app {blob} NOT NULL, id {blob} NOT NULL,
  display_name TEXT NOT NULL, certificate {blob} NOT NULL, created_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, app, id));
