CREATE TABLE idp_backchannel ({i.def}tenant {blob} NOT NULL, user_id {blob} NOT NULL, digest {blob} NOT NULL,
  code TEXT NOT NULL, expires_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, user_id, digest));
CREATE INDEX idp_backchannel_expiry ON idp_backchannel ({i.col}expires_at);
