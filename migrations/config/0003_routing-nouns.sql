CREATE TABLE `load_balance_groups` (
	`group_id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`models` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `provider_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`provider_id` text NOT NULL,
	`name` text NOT NULL,
	`credential` text NOT NULL,
	`weight` real NOT NULL,
	`available_models` text,
	`exclude_models` text,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `provider_keys_by_name` ON `provider_keys` (`provider_id`,`name`);--> statement-breakpoint
CREATE TABLE `settings` (
	`id` integer PRIMARY KEY NOT NULL,
	`value` text NOT NULL,
	`updated_at_ms` integer NOT NULL
);
--> statement-breakpoint
INSERT INTO config_versions (section, version) VALUES ('provider_keys', 1);
--> statement-breakpoint
CREATE TRIGGER provider_keys_insert_version AFTER INSERT ON provider_keys BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'provider_keys';
END;
--> statement-breakpoint
CREATE TRIGGER provider_keys_update_version AFTER UPDATE ON provider_keys BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'provider_keys';
END;
--> statement-breakpoint
CREATE TRIGGER provider_keys_delete_version AFTER DELETE ON provider_keys BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'provider_keys';
END;
--> statement-breakpoint
INSERT INTO config_versions (section, version) VALUES ('load_balance_groups', 1);
--> statement-breakpoint
CREATE TRIGGER load_balance_groups_insert_version AFTER INSERT ON load_balance_groups BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'load_balance_groups';
END;
--> statement-breakpoint
CREATE TRIGGER load_balance_groups_update_version AFTER UPDATE ON load_balance_groups BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'load_balance_groups';
END;
--> statement-breakpoint
CREATE TRIGGER load_balance_groups_delete_version AFTER DELETE ON load_balance_groups BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'load_balance_groups';
END;
--> statement-breakpoint
INSERT INTO config_versions (section, version) VALUES ('settings', 1);
--> statement-breakpoint
CREATE TRIGGER settings_insert_version AFTER INSERT ON settings BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'settings';
END;
--> statement-breakpoint
CREATE TRIGGER settings_update_version AFTER UPDATE ON settings BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'settings';
END;
--> statement-breakpoint
CREATE TRIGGER settings_delete_version AFTER DELETE ON settings BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'settings';
END;
