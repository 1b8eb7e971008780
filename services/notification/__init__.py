"""Says it once, by the right channel, at the right time (spec: notification)."""
