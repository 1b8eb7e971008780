"""The ways out: each module makes a Sender for one kind of effect."""
