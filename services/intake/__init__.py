"""intake: every channel becomes a case, and every case keeps its life, its customer and its messages."""
