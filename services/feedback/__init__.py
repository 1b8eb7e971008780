"""feedback: ask, listen, close the loop."""
