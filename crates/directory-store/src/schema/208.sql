ALTER TABLE idp_principal ADD COLUMN resource_id TEXT;
CREATE TABLE idp_workload ({i.def}tenant {blob} NOT NULL, name TEXT NOT NULL, header {blob} NOT NULL,
  principal {blob} NOT NULL, created_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, name));
CREATE UNIQUE INDEX idp_workload_header ON idp_workload ({i.col}header);
CREATE TABLE idp_workload_identity ({i.def}tenant {blob} NOT NULL, workload TEXT NOT NULL, principal {blob} NOT NULL,
  PRIMARY KEY ({i.col}tenant, workload, principal));
