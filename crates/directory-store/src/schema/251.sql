ALTER TABLE idp_session ADD COLUMN kept {int} NOT NULL DEFAULT 0;
ALTER TABLE idp_session ADD COLUMN arrival_json TEXT;
