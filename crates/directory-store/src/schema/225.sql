ALTER TABLE idp_session DROP COLUMN methods;
ALTER TABLE idp_session ADD COLUMN methods_json TEXT NOT NULL DEFAULT '[]';
ALTER TABLE idp_session ADD COLUMN began_at {int} NOT NULL DEFAULT 0;
