CREATE TABLE idp_agreement ({i.def}tenant {blob} NOT NULL, id {blob} NOT NULL, document TEXT NOT NULL, PRIMARY KEY ({i.col}tenant, id));
CREATE TABLE idp_agreement_file ({i.def}tenant {blob} NOT NULL, agreement {blob} NOT NULL, id {blob} NOT NULL,
  number {int} NOT NULL, document TEXT NOT NULL, PRIMARY KEY ({i.col}tenant, agreement, number));
CREATE TABLE idp_agreement_pdf ({i.def}tenant {blob} NOT NULL, agreement {blob} NOT NULL, file {blob} NOT NULL,
  pdf {blob} NOT NULL, PRIMARY KEY ({i.col}tenant, agreement, file));
CREATE TABLE idp_agreement_answer ({i.def}tenant {blob} NOT NULL, agreement {blob} NOT NULL, user_id {blob} NOT NULL,
  file {blob} NOT NULL, id {blob} NOT NULL, accepted {int} NOT NULL, recorded_at {int} NOT NULL,
  PRIMARY KEY ({i.col}tenant, agreement, user_id, file));
CREATE INDEX idp_agreement_answer_id ON idp_agreement_answer ({i.col}tenant, agreement, id);
CREATE INDEX idp_agreement_answer_user ON idp_agreement_answer ({i.col}tenant, user_id, id);
