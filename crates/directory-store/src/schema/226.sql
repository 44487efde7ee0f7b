CREATE TABLE idp_sign_in ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, user_id {blob} NOT NULL,
  at {int} NOT NULL, entry_json TEXT NOT NULL, PRIMARY KEY ({i.col}tenant, id));
CREATE INDEX idp_sign_in_user ON idp_sign_in ({i.col}tenant, user_id, id);
CREATE INDEX idp_sign_in_at ON idp_sign_in ({i.col}at);
