"""``python -m deploy.vefa`` is ``vefa``."""

from .main import main

main()
