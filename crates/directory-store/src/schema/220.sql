CREATE TABLE idp_methods ({i.def}tenant {blob} NOT NULL, policy_json TEXT NOT NULL, windows_hello_json TEXT NOT NULL,
  modified_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant));
