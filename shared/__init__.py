"""Mechanism without a domain, and two rooms of common ground: clinical and access."""
