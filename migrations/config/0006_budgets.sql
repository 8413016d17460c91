ALTER TABLE `api_keys` ADD `unknown_price` text;--> statement-breakpoint
ALTER TABLE `limits` ADD `on_unavailable` text;--> statement-breakpoint
ALTER TABLE `limits` ADD `refusal_status` integer;