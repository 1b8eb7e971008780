"""``vefa bench``: what the platform does in a second, each figure beside the floor of the machine that it runs on."""
