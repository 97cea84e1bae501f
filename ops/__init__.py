"""What runs Earshot unattended: cron, systemd, launchd, a container, a dashboard."""
