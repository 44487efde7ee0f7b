ALTER TABLE idp_authority ADD COLUMN delta_url TEXT;
CREATE TABLE idp_delta_crl ({i.def}tenant {blob} NOT NULL, authority {blob} NOT NULL, digest {blob} NOT NULL,
  this_update {int} NOT NULL, next_update {int} NOT NULL, stored_at {int} NOT NULL, uploaded {int} NOT NULL,
  revoked {int} NOT NULL, content {blob} NOT NULL, PRIMARY KEY ({i.col}tenant, authority));
