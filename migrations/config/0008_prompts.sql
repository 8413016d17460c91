CREATE TABLE `prompt_experiments` (
	`id` text PRIMARY KEY NOT NULL,
	`prompt_id` text NOT NULL,
	`name` text NOT NULL,
	`sticky_by` text NOT NULL,
	`arms` text NOT NULL,
	`is_running` integer NOT NULL,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `prompt_experiments_by_prompt` ON `prompt_experiments` (`prompt_id`);--> statement-breakpoint
CREATE TABLE `prompt_labels` (
	`prompt_id` text NOT NULL,
	`label` text NOT NULL,
	`version` integer NOT NULL,
	`updated_at_ms` integer NOT NULL,
	PRIMARY KEY(`prompt_id`, `label`)
);
--> statement-breakpoint
CREATE TABLE `prompt_versions` (
	`id` text PRIMARY KEY NOT NULL,
	`prompt_id` text NOT NULL,
	`version` integer NOT NULL,
	`description` text NOT NULL,
	`content` text NOT NULL,
	`editor_id` text,
	`editor_name` text,
	`committed_at_ms` integer,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `prompt_versions_by_number` ON `prompt_versions` (`prompt_id`,`version`);--> statement-breakpoint
CREATE TABLE `prompts` (
	`prompt_id` text PRIMARY KEY NOT NULL,
	`slug` text NOT NULL,
	`name` text NOT NULL,
	`description` text NOT NULL,
	`tags` text NOT NULL,
	`starred` integer NOT NULL,
	`live_version` integer,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `prompts_slug_unique` ON `prompts` (`slug`);
--> statement-breakpoint
INSERT INTO config_versions (section, version) VALUES ('prompts', 1);
--> statement-breakpoint
CREATE TRIGGER prompts_insert_version AFTER INSERT ON prompts BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'prompts';
END;
--> statement-breakpoint
CREATE TRIGGER prompts_update_version AFTER UPDATE OF live_version, name, slug ON prompts BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'prompts';
END;
--> statement-breakpoint
CREATE TRIGGER prompts_delete_version AFTER DELETE ON prompts BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'prompts';
END;
--> statement-breakpoint
CREATE TRIGGER prompt_versions_update_version AFTER UPDATE OF content ON prompt_versions
WHEN EXISTS (SELECT 1 FROM prompts p WHERE p.prompt_id = NEW.prompt_id AND p.live_version = NEW.version)
  OR EXISTS (SELECT 1 FROM prompt_labels l WHERE l.prompt_id = NEW.prompt_id AND l.version = NEW.version)
BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'prompts';
END;
--> statement-breakpoint
CREATE TRIGGER prompt_labels_insert_version AFTER INSERT ON prompt_labels BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'prompts';
END;
--> statement-breakpoint
CREATE TRIGGER prompt_labels_update_version AFTER UPDATE ON prompt_labels BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'prompts';
END;
--> statement-breakpoint
CREATE TRIGGER prompt_labels_delete_version AFTER DELETE ON prompt_labels BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'prompts';
END;
--> statement-breakpoint
CREATE TRIGGER prompt_experiments_insert_version AFTER INSERT ON prompt_experiments BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'prompts';
END;
--> statement-breakpoint
CREATE TRIGGER prompt_experiments_update_version AFTER UPDATE ON prompt_experiments BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'prompts';
END;
--> statement-breakpoint
CREATE TRIGGER prompt_experiments_delete_version AFTER DELETE ON prompt_experiments BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'prompts';
END;
