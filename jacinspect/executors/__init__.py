"""Where calls are made: processes of our own, and clusters, as executors of concurrent.futures. Next: cli, checks."""
