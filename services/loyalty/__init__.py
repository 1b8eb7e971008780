"""loyalty: members of a programme, their points as lots of a ledger, tiers, and points that make good a complaint."""
