CREATE TABLE idp_role_assignment ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, principal {blob} NOT NULL,
  role {blob} NOT NULL, created_at {int} NOT NULL, PRIMARY KEY ({i.col}tenant, id));
CREATE UNIQUE INDEX idp_role_assignment_role ON idp_role_assignment ({i.col}tenant, role, principal);
CREATE INDEX idp_role_assignment_principal ON idp_role_assignment ({i.col}tenant, principal);
