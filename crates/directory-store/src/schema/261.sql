CREATE TABLE idp_principal_risk ({i.def}tenant {blob} NOT NULL, principal {blob} NOT NULL, level TEXT NOT NULL,
  state TEXT NOT NULL, detail TEXT NOT NULL, updated_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, principal));
CREATE TABLE idp_principal_risk_event ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, principal {blob} NOT NULL,
  level TEXT NOT NULL, state TEXT NOT NULL, detail TEXT NOT NULL, event TEXT, told_by {blob}, at {int} NOT NULL,
  PRIMARY KEY ({i.col}tenant, id));
CREATE INDEX idp_principal_risk_event_of ON idp_principal_risk_event ({i.col}tenant, principal, id);
