DROP INDEX scan_job;
