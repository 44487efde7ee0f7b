CREATE TABLE idp_passkey ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, user_id {blob} NOT NULL,
  display_name TEXT NOT NULL, credential_json TEXT NOT NULL, aaguid {blob} NOT NULL, synced {int} NOT NULL,
  attested {int} NOT NULL, counter {int} NOT NULL, created_at {int} NOT NULL, used_at {int}, PRIMARY KEY ({i.col}tenant, id));
CREATE INDEX idp_passkey_user ON idp_passkey ({i.col}tenant, user_id);
CREATE TABLE idp_challenge ({i.def}tenant {blob} NOT NULL, digest {blob} NOT NULL, expires_at {int} NOT NULL,
  PRIMARY KEY ({i.col}tenant, digest));
CREATE INDEX idp_challenge_expiry ON idp_challenge ({i.col}expires_at);
