CREATE TABLE idp_pki ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, display_name TEXT NOT NULL,
  modified_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, id));
CREATE TABLE idp_authority ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, pki {blob} NOT NULL,
  certificate {blob} NOT NULL, list_url TEXT, hint {int} NOT NULL, grace_hours {int} NOT NULL,
  created_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, id));
