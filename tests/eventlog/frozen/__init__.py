"""Logs as older versions wrote them, one folder for each date; nothing in these folders is ever changed."""
