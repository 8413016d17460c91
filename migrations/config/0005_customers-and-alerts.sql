CREATE TABLE `alert_channels` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`type` text NOT NULL,
	`address` text NOT NULL,
	`sealed` text NOT NULL,
	`events` text,
	`is_paused` integer DEFAULT false NOT NULL,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `alert_channels_name_unique` ON `alert_channels` (`name`);--> statement-breakpoint
CREATE TABLE `customers` (
	`customer_identifier` text PRIMARY KEY NOT NULL,
	`name` text,
	`email` text,
	`group_identifier` text,
	`metadata` text,
	`period_budget` real,
	`budget_duration` text,
	`period_start_ms` integer,
	`period_end_ms` integer,
	`total_budget` real,
	`rate_limit` integer,
	`markup_percentage` real,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `monitors` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`metric` text NOT NULL,
	`aggregation` text NOT NULL,
	`filters` text NOT NULL,
	`comparison` text NOT NULL,
	`threshold` real NOT NULL,
	`window_minutes` integer NOT NULL,
	`channels` text,
	`is_paused` integer DEFAULT false NOT NULL,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `monitors_name_unique` ON `monitors` (`name`);--> statement-breakpoint
ALTER TABLE `api_keys` ADD `limits` text;--> statement-breakpoint
ALTER TABLE `api_keys` ADD `is_temporary` integer DEFAULT false NOT NULL;
--> statement-breakpoint
INSERT INTO config_versions (section, version) VALUES ('customers', 1);
--> statement-breakpoint
CREATE TRIGGER customers_insert_version AFTER INSERT ON customers
WHEN coalesce(NEW.period_budget, NEW.total_budget, NEW.rate_limit) IS NOT NULL BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'customers';
END;
--> statement-breakpoint
CREATE TRIGGER customers_update_version AFTER UPDATE ON customers
WHEN (NEW.period_budget, NEW.budget_duration, NEW.period_start_ms, NEW.period_end_ms, NEW.total_budget, NEW.rate_limit, NEW.markup_percentage)
  IS NOT (OLD.period_budget, OLD.budget_duration, OLD.period_start_ms, OLD.period_end_ms, OLD.total_budget, OLD.rate_limit, OLD.markup_percentage) BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'customers';
END;
--> statement-breakpoint
CREATE TRIGGER customers_delete_version AFTER DELETE ON customers
WHEN coalesce(OLD.period_budget, OLD.total_budget, OLD.rate_limit) IS NOT NULL BEGIN
  UPDATE config_versions SET version = version + 1 WHERE section = 'customers';
END;
