CREATE TABLE `log_metadata` (
	`key` text NOT NULL,
	`value` text NOT NULL,
	`started_at_ms` integer NOT NULL,
	`log_id` text NOT NULL,
	PRIMARY KEY(`key`, `value`, `started_at_ms`, `log_id`)
) WITHOUT ROWID;
--> statement-breakpoint
DROP INDEX `request_logs_by_time`;--> statement-breakpoint
ALTER TABLE `request_logs` ADD `is_pinned` integer;--> statement-breakpoint
ALTER TABLE `request_logs` ADD `temperature` real;--> statement-breakpoint
ALTER TABLE `request_logs` ADD `max_tokens` integer;--> statement-breakpoint
CREATE INDEX `request_logs_by_start` ON `request_logs` (`started_at_ms`);--> statement-breakpoint
CREATE INDEX `request_logs_by_model` ON `request_logs` (`model`,`started_at_ms`);--> statement-breakpoint
CREATE INDEX `request_logs_by_customer` ON `request_logs` (`customer_identifier`,`started_at_ms`) WHERE customer_identifier is not null;--> statement-breakpoint
CREATE INDEX `request_logs_by_thread` ON `request_logs` (`thread_identifier`,`started_at_ms`) WHERE thread_identifier is not null;--> statement-breakpoint
CREATE INDEX `request_logs_by_custom` ON `request_logs` (`custom_identifier`,`started_at_ms`) WHERE custom_identifier is not null;--> statement-breakpoint
CREATE INDEX `request_logs_by_group` ON `request_logs` (`group_identifier`,`started_at_ms`) WHERE group_identifier is not null;--> statement-breakpoint
CREATE INDEX `request_logs_by_trace` ON `request_logs` (`trace_id`,`started_at_ms`) WHERE trace_id is not null;--> statement-breakpoint
CREATE INDEX `request_logs_by_prompt` ON `request_logs` (`prompt_id`,`started_at_ms`) WHERE prompt_id is not null;--> statement-breakpoint
CREATE INDEX `request_logs_unfinished` ON `request_logs` (`started_at_ms`) WHERE ending <> 'completed';--> statement-breakpoint
CREATE INDEX `request_logs_of_tests` ON `request_logs` (`started_at_ms`) WHERE environment = 'test';--> statement-breakpoint
CREATE VIRTUAL TABLE `log_search` USING fts5(input, output, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 2");
