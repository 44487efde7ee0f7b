CREATE TABLE idp_familiar ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, browser {blob} NOT NULL,
  seen_at {int} NOT NULL, failures {int} NOT NULL, locks {int} NOT NULL, locked_until {int} NOT NULL,
  recent {blob} NOT NULL, PRIMARY KEY ({i.col}tenant, user_id, browser));
CREATE INDEX idp_familiar_seen ON idp_familiar ({i.col}seen_at);
