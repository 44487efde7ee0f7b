ALTER TABLE idp_principal ADD COLUMN profile TEXT;
