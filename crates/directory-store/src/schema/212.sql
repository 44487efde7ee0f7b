CREATE TABLE idp_deleted ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, kind TEXT NOT NULL, content TEXT NOT NULL,
  password TEXT, deleted_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, id));
CREATE INDEX idp_deleted_kind ON idp_deleted ({i.col}tenant, kind, id);
CREATE INDEX idp_deleted_at ON idp_deleted ({i.col}tenant, deleted_at);
