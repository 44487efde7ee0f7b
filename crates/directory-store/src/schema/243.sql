CREATE TABLE idp_publisher ({i.def}tenant {blob} NOT NULL, id TEXT NOT NULL, display_name TEXT NOT NULL,
  created_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, id));
