CREATE TABLE idp_pass ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, id {blob} NOT NULL, hash TEXT NOT NULL,
  once {int} NOT NULL, start_at {int} NOT NULL, expires_at {int} NOT NULL, created_at {int} NOT NULL, used_at {int},
  PRIMARY KEY ({i.col}tenant, user_id));
