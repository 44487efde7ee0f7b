CREATE TABLE idp_federated ({i.def}tenant {blob} NOT NULL, app {blob} NOT NULL, id {blob} NOT NULL, name TEXT NOT NULL,
  issuer TEXT NOT NULL, subject TEXT NOT NULL, audience TEXT NOT NULL, description TEXT, created_at {int} NOT NULL,
  PRIMARY KEY ({i.col}tenant, app, id));
CREATE UNIQUE INDEX idp_federated_name ON idp_federated ({i.col}tenant, app, name);
CREATE UNIQUE INDEX idp_federated_subject ON idp_federated ({i.col}tenant, app, issuer, subject);
