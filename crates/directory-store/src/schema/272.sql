CREATE TABLE idp_campaign ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, times {int} NOT NULL, at {int} NOT NULL,
  session {blob} NOT NULL, PRIMARY KEY ({i.col}tenant, user_id));
