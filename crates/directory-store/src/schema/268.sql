CREATE TABLE idp_sign_in_activity ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, kind {int} NOT NULL,
  at {int} NOT NULL, entry {blob} NOT NULL, PRIMARY KEY ({i.col}tenant, user_id, kind));
