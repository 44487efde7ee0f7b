CREATE TABLE idp_consent_request ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, app {blob} NOT NULL,
  app_name TEXT NOT NULL, user_id {blob} NOT NULL, permissions_json TEXT NOT NULL, reason TEXT NOT NULL,
  status {int} NOT NULL, justification TEXT, created_at {int} NOT NULL, ends_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, id));
CREATE UNIQUE INDEX idp_consent_request_of ON idp_consent_request ({i.col}tenant, user_id, app);
CREATE INDEX idp_consent_request_end ON idp_consent_request ({i.col}ends_at);
