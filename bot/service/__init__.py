"""What makes the features a running service: intake, router, worker, schedules, backfill, HTTP server, shutdown."""
