CREATE TABLE idp_authorization_policy ({i.def}tenant {blob} NOT NULL, document TEXT NOT NULL, PRIMARY KEY ({i.col}tenant));
