"""sla: clocks that stay true. What a case is promised, when it is due, and whether it was kept."""
