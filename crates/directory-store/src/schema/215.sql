CREATE TABLE idp_conditional ({i.def}tenant {blob} NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
  document TEXT NOT NULL, PRIMARY KEY ({i.col}tenant, kind, id));
