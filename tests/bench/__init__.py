"""Measurements taken side by side: ours and a reference on the same database, payload and process, alternating."""
