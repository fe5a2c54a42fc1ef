"""Clinical tables and pure functions, each with its source and the rule set that made its result."""
