"""History: every recorded fact of every service, for auditors and care teams.

Owns nothing but its copies; listens to everything. It shows a patient's timeline with actors, times, reasons and
causes, and the whole patient as it was at any moment, with the log positions that make the answer repeatable.
"""
