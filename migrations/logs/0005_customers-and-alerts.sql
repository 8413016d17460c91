CREATE TABLE `alert_deliveries` (
	`event_id` text NOT NULL,
	`channel_id` text NOT NULL,
	`state` text NOT NULL,
	`attempts` integer NOT NULL,
	`error` text,
	`updated_at_ms` integer NOT NULL,
	PRIMARY KEY(`event_id`, `channel_id`)
);
--> statement-breakpoint
CREATE TABLE `alert_events` (
	`id` text PRIMARY KEY NOT NULL,
	`dedupe_key` text NOT NULL,
	`kind` text NOT NULL,
	`channels` text,
	`details` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	`queued_at_ms` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `alert_events_dedupe_key_unique` ON `alert_events` (`dedupe_key`);--> statement-breakpoint
CREATE INDEX `alert_events_by_time` ON `alert_events` (`created_at_ms`);--> statement-breakpoint
CREATE TABLE `limit_sums` (
	`policy_id` text NOT NULL,
	`subject` text NOT NULL,
	`window_start_ms` integer NOT NULL,
	`scope` text NOT NULL,
	`name` text NOT NULL,
	`metric` text NOT NULL,
	`window` text NOT NULL,
	`amount` integer NOT NULL,
	`updated_at_ms` integer NOT NULL,
	`ledger_amount` integer,
	`compared_at_ms` integer,
	PRIMARY KEY(`policy_id`, `subject`, `window_start_ms`)
);
--> statement-breakpoint
CREATE INDEX `limit_sums_by_time` ON `limit_sums` (`updated_at_ms`);--> statement-breakpoint
CREATE TABLE `log_cursors` (
	`name` text PRIMARY KEY NOT NULL,
	`position` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `monitor_states` (
	`monitor_id` text PRIMARY KEY NOT NULL,
	`state` text NOT NULL,
	`since_ms` integer NOT NULL,
	`value` real,
	`evaluated_at_ms` integer NOT NULL
);
