CREATE TABLE idp_user_risk ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, level TEXT NOT NULL,
  state TEXT NOT NULL, detail TEXT NOT NULL, updated_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, user_id));
CREATE TABLE idp_supplied_risk ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, document TEXT NOT NULL,
  ends_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, id));
CREATE INDEX idp_supplied_risk_end ON idp_supplied_risk ({i.col}ends_at);
