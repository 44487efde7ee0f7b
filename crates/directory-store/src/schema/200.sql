CREATE TABLE idp_root ({i.def}name TEXT NOT NULL, secret {blob} NOT NULL, PRIMARY KEY ({i.col}name));
CREATE TABLE idp_tenant ({i.def}tenant {blob} NOT NULL, display_name TEXT NOT NULL, pairwise {blob} NOT NULL,
  created_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant));
CREATE TABLE idp_domain ({i.def}tenant {blob} NOT NULL, name TEXT NOT NULL, is_default {int} NOT NULL, PRIMARY KEY ({i.col}tenant, name));
CREATE UNIQUE INDEX idp_domain_name ON idp_domain ({i.col}name);
