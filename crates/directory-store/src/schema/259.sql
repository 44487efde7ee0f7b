ALTER TABLE idp_user ADD COLUMN sealed_password {blob};
ALTER TABLE idp_deleted ADD COLUMN sealed_password {blob};
ALTER TABLE idp_pass ADD COLUMN sealed_hash {blob};
ALTER TABLE idp_pass ADD COLUMN clear_hash TEXT;
UPDATE idp_pass SET clear_hash = hash;
ALTER TABLE idp_pass DROP COLUMN hash;
