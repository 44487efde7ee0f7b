ALTER TABLE idp_family ADD COLUMN root {blob};
CREATE INDEX idp_family_root ON idp_family ({i.col}tenant, root);
