CREATE TABLE `cache_generations` (
	`scope` text NOT NULL,
	`subject` text NOT NULL,
	`began_at_ms` integer NOT NULL,
	PRIMARY KEY(`scope`, `subject`)
);
--> statement-breakpoint
ALTER TABLE `api_keys` ADD `cache_scope` text DEFAULT 'organization' NOT NULL;
--> statement-breakpoint
INSERT INTO config_versions (section, version) VALUES ('cache_generations', 1);
--> statement-breakpoint
CREATE TRIGGER cache_generations_insert_version AFTER INSERT ON cache_generations BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'cache_generations';
END;
--> statement-breakpoint
CREATE TRIGGER cache_generations_update_version AFTER UPDATE ON cache_generations BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'cache_generations';
END;
--> statement-breakpoint
CREATE TRIGGER cache_generations_delete_version AFTER DELETE ON cache_generations BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'cache_generations';
END;
