"""The ways out: each module makes a EffectHandler for one kind of effect."""
