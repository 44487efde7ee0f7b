CREATE TABLE idp_application ({i.def}tenant {blob} NOT NULL, app {blob} NOT NULL, id {blob} NOT NULL,
  display_name TEXT NOT NULL, definition TEXT NOT NULL, created_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, app));
CREATE UNIQUE INDEX idp_application_app ON idp_application ({i.col}app);
CREATE TABLE idp_secret ({i.def}tenant {blob} NOT NULL, app {blob} NOT NULL, id {blob} NOT NULL,
  display_name TEXT NOT NULL, hint TEXT NOT NULL, digest {blob} NOT NULL, created_at {int} NOT NULL,
  expires_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, app, id));
CREATE TABLE idp_principal ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, app {blob} NOT NULL,
  home {blob} NOT NULL, display_name TEXT NOT NULL, enabled {int} NOT NULL, assignment_required {int} NOT NULL,
  created_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, id));
CREATE UNIQUE INDEX idp_principal_app ON idp_principal ({i.col}tenant, app);
CREATE TABLE idp_principal_name ({i.def}tenant {blob} NOT NULL, name TEXT NOT NULL, principal {blob} NOT NULL,
  PRIMARY KEY ({i.col}tenant, name));
CREATE TABLE idp_consent ({i.def}tenant {blob} NOT NULL, client {blob} NOT NULL, resource {blob} NOT NULL,
  subject {blob} NOT NULL, id {blob} NOT NULL, scope TEXT NOT NULL, created_at {int} NOT NULL,
  PRIMARY KEY ({i.col}tenant, client, resource, subject));
CREATE TABLE idp_app_role ({i.def}tenant {blob} NOT NULL, resource {blob} NOT NULL, principal {blob} NOT NULL,
  role {blob} NOT NULL, id {blob} NOT NULL, created_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, resource, principal, role));
