"""``python -m shared.cli`` is ``vefa``."""

from .main import main

main()
