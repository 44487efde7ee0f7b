CREATE TABLE idp_low_impact ({i.def}tenant {blob} NOT NULL, resource {blob} NOT NULL, permission {blob} NOT NULL,
  id {blob} NOT NULL, PRIMARY KEY ({i.col}tenant, resource, permission));
