CREATE TABLE `api_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`prefix` text NOT NULL,
	`hash` text NOT NULL,
	`role` text NOT NULL,
	`environment` text NOT NULL,
	`allowed_models` text,
	`expires_at_ms` integer,
	`revoked_at_ms` integer,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `api_keys_hash_unique` ON `api_keys` (`hash`);--> statement-breakpoint
CREATE TABLE `config_versions` (
	`section` text PRIMARY KEY NOT NULL,
	`version` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `limits` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`scope` text NOT NULL,
	`subject` text NOT NULL,
	`metric` text NOT NULL,
	`window` text NOT NULL,
	`value` real NOT NULL,
	`action` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `limits_name_unique` ON `limits` (`name`);--> statement-breakpoint
CREATE TABLE `models` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`model_name` text NOT NULL,
	`display_name` text,
	`base_model_name` text,
	`provider_id` text,
	`upstream_model` text,
	`fallback_models` text,
	`input_cost` real,
	`output_cost` real,
	`cache_hit_input_cost` real,
	`cache_creation_input_cost` real,
	`max_context_window` integer,
	`streaming_support` integer,
	`function_call` integer,
	`image_support` integer,
	`supported_params_override` text,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `models_model_name_unique` ON `models` (`model_name`);--> statement-breakpoint
CREATE INDEX `models_by_provider` ON `models` (`provider_id`);--> statement-breakpoint
CREATE TABLE `providers` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`provider_id` text NOT NULL,
	`provider_name` text NOT NULL,
	`base_url` text NOT NULL,
	`protocols` text NOT NULL,
	`sealed_api_key` text,
	`sealed_headers` text,
	`header_names` text,
	`timeout_ms` integer,
	`defaults` text,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `providers_provider_id_unique` ON `providers` (`provider_id`);