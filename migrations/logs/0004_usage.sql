CREATE TABLE `counted_logs` (
	`id` text PRIMARY KEY NOT NULL,
	`counted_at_ms` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `customer_days` (
	`environment` text NOT NULL,
	`customer_identifier` text NOT NULL,
	`day_ms` integer NOT NULL,
	PRIMARY KEY(`environment`, `customer_identifier`, `day_ms`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `customers` (
	`environment` text NOT NULL,
	`customer_identifier` text NOT NULL,
	`email` text,
	`name` text,
	`metadata` text,
	`first_seen_ms` integer NOT NULL,
	`last_active_ms` integer NOT NULL,
	`active_days` integer NOT NULL,
	`requests` integer NOT NULL,
	`errors` integer NOT NULL,
	`cache_hits` integer NOT NULL,
	`prompt_tokens` integer NOT NULL,
	`completion_tokens` integer NOT NULL,
	`cost_nano_usd` integer NOT NULL,
	`latency_ms` integer NOT NULL,
	`first_token_ms` integer NOT NULL,
	`first_tokens` integer NOT NULL,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL,
	PRIMARY KEY(`environment`, `customer_identifier`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `customers_by_first_seen` ON `customers` (`environment`,`first_seen_ms`);--> statement-breakpoint
CREATE TABLE `usage_hourly` (
	`hour_ms` integer NOT NULL,
	`environment` text NOT NULL,
	`api_key_id` text NOT NULL,
	`model` text NOT NULL,
	`provider_id` text NOT NULL,
	`customer_identifier` text NOT NULL,
	`prompt_id` text NOT NULL,
	`prompt_version` integer NOT NULL,
	`log_type` text NOT NULL,
	`log_method` text NOT NULL,
	`requests` integer NOT NULL,
	`errors` integer NOT NULL,
	`cancelled` integer NOT NULL,
	`cache_hits` integer NOT NULL,
	`input_tokens` integer NOT NULL,
	`cache_read_tokens` integer NOT NULL,
	`cache_write_tokens` integer NOT NULL,
	`output_tokens` integer NOT NULL,
	`reasoning_tokens` integer NOT NULL,
	`cost_nano_usd` integer NOT NULL,
	`unknown_costs` integer NOT NULL,
	`saved_nano_usd` integer NOT NULL,
	`latency_ms` integer NOT NULL,
	`latency_histogram` text NOT NULL,
	`first_token_ms` integer NOT NULL,
	`first_tokens` integer NOT NULL,
	`first_token_histogram` text NOT NULL,
	PRIMARY KEY(`hour_ms`, `environment`, `api_key_id`, `model`, `provider_id`, `customer_identifier`, `prompt_id`, `prompt_version`, `log_type`, `log_method`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `usage_hourly_by_customer` ON `usage_hourly` (`customer_identifier`,`hour_ms`) WHERE customer_identifier <> '';
--> statement-breakpoint
CREATE TRIGGER `customer_days_count` AFTER INSERT ON `customer_days` BEGIN
	UPDATE `customers` SET `active_days` = `active_days` + 1
		WHERE `environment` = new.`environment` AND `customer_identifier` = new.`customer_identifier`;
END;
