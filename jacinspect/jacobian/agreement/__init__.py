"""Do the claim and the differences agree, entry by entry, along directions, and for every rule? Next: findings."""
