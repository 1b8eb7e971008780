"""What operates the platform: the ``vefa`` command (``main``), the servers of a laptop, demo, bench, backup, doctor."""
