CREATE TABLE idp_signing_key ({i.def}kid TEXT NOT NULL, pkcs8 {blob} NOT NULL, certificate {blob} NOT NULL,
  published_at {int} NOT NULL, active_from {int}, retired_at {int}, PRIMARY KEY ({i.col}kid));
