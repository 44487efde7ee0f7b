CREATE TABLE idp_revoked_grant ({i.def}tenant {blob} NOT NULL, family {blob} NOT NULL, revoked_at {int} NOT NULL,
  PRIMARY KEY ({i.col}tenant, family));
CREATE INDEX idp_revoked_grant_at ON idp_revoked_grant ({i.col}revoked_at);
