CREATE TABLE idp_oath ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, id {blob} NOT NULL,
  display_name TEXT NOT NULL, secret {blob} NOT NULL, algorithm TEXT NOT NULL, period {int} NOT NULL,
  used_step {int} NOT NULL, created_at {int} NOT NULL, used_at {int}, PRIMARY KEY ({i.col}tenant, user_id, id));
CREATE TABLE idp_attempt ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, kind {int} NOT NULL,
  failures {int} NOT NULL, locks {int} NOT NULL, locked_until {int}, recent {blob} NOT NULL, PRIMARY KEY ({i.col}tenant, user_id, kind));
