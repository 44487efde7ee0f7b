CREATE TABLE idp_session ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, browser {blob} NOT NULL,
  user_id {blob} NOT NULL, methods TEXT NOT NULL, auth_time {int} NOT NULL, used_at {int} NOT NULL,
  expires_at {int} NOT NULL, ended_at {int}, revoked_at {int}, PRIMARY KEY ({i.col}tenant, id));
CREATE INDEX idp_session_revoked ON idp_session ({i.col}revoked_at);
CREATE INDEX idp_session_browser ON idp_session ({i.col}browser);
CREATE TABLE idp_session_app ({i.def}tenant {blob} NOT NULL, session {blob} NOT NULL, app {blob} NOT NULL,
  PRIMARY KEY ({i.col}tenant, session, app));
CREATE TABLE idp_code ({i.def}tenant {blob} NOT NULL, digest {blob} NOT NULL, family {blob} NOT NULL,
  authorization_json TEXT NOT NULL, expires_at {int} NOT NULL, redeemed_at {int}, PRIMARY KEY ({i.col}tenant, digest));
CREATE INDEX idp_code_expiry ON idp_code ({i.col}expires_at);
CREATE TABLE idp_family ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, user_id {blob} NOT NULL, session {blob} NOT NULL,
  authorization_json TEXT NOT NULL, created_at {int} NOT NULL, expires_at {int} NOT NULL, revoked_at {int},
  PRIMARY KEY ({i.col}tenant, id));
CREATE INDEX idp_family_user ON idp_family ({i.col}tenant, user_id);
CREATE INDEX idp_family_session ON idp_family ({i.col}tenant, session);
CREATE INDEX idp_family_expiry ON idp_family ({i.col}expires_at);
CREATE TABLE idp_refresh ({i.def}tenant {blob} NOT NULL, digest {blob} NOT NULL, family {blob} NOT NULL,
  expires_at {int} NOT NULL, rotated_at {int}, PRIMARY KEY ({i.col}tenant, digest));
CREATE INDEX idp_refresh_expiry ON idp_refresh ({i.col}expires_at);
