CREATE TABLE idp_revoked_outsider ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, revoked_at {int} NOT NULL,
  PRIMARY KEY ({i.col}tenant, id));
CREATE INDEX idp_revoked_outsider_at ON idp_revoked_outsider ({i.col}revoked_at);
