ALTER TABLE `models` ADD `timeouts` text;--> statement-breakpoint
ALTER TABLE `models` ADD `retry_params` text;