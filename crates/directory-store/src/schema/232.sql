CREATE TABLE idp_handover ({i.def}tenant {blob} NOT NULL, digest {blob} NOT NULL, binding {blob} NOT NULL,
  user_id {blob} NOT NULL, used_json TEXT NOT NULL, expires_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, digest));
CREATE INDEX idp_handover_expiry ON idp_handover ({i.col}expires_at);
