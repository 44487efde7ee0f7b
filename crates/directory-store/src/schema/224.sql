CREATE TABLE idp_notice ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, id {blob} NOT NULL,
  change_word TEXT NOT NULL, about TEXT NOT NULL, own {int} NOT NULL, at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, user_id, id));
