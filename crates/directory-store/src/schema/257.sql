CREATE TABLE idp_first_password ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, set_at {int} NOT NULL,
  PRIMARY KEY ({i.col}tenant, user_id));
