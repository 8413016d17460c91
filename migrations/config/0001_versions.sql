-- Every change to a section raises its version, whoever writes it; isolates look for changes by these numbers.
INSERT INTO config_versions (section, version) VALUES ('api_keys', 1);
--> statement-breakpoint
CREATE TRIGGER api_keys_insert_version AFTER INSERT ON api_keys BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'api_keys';
END;
--> statement-breakpoint
CREATE TRIGGER api_keys_update_version AFTER UPDATE ON api_keys BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'api_keys';
END;
--> statement-breakpoint
CREATE TRIGGER api_keys_delete_version AFTER DELETE ON api_keys BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'api_keys';
END;
--> statement-breakpoint
INSERT INTO config_versions (section, version) VALUES ('providers', 1);
--> statement-breakpoint
CREATE TRIGGER providers_insert_version AFTER INSERT ON providers BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'providers';
END;
--> statement-breakpoint
CREATE TRIGGER providers_update_version AFTER UPDATE ON providers BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'providers';
END;
--> statement-breakpoint
CREATE TRIGGER providers_delete_version AFTER DELETE ON providers BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'providers';
END;
--> statement-breakpoint
INSERT INTO config_versions (section, version) VALUES ('models', 1);
--> statement-breakpoint
CREATE TRIGGER models_insert_version AFTER INSERT ON models BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'models';
END;
--> statement-breakpoint
CREATE TRIGGER models_update_version AFTER UPDATE ON models BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'models';
END;
--> statement-breakpoint
CREATE TRIGGER models_delete_version AFTER DELETE ON models BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'models';
END;
--> statement-breakpoint
INSERT INTO config_versions (section, version) VALUES ('limits', 1);
--> statement-breakpoint
CREATE TRIGGER limits_insert_version AFTER INSERT ON limits BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'limits';
END;
--> statement-breakpoint
CREATE TRIGGER limits_update_version AFTER UPDATE ON limits BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'limits';
END;
--> statement-breakpoint
CREATE TRIGGER limits_delete_version AFTER DELETE ON limits BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'limits';
END;
