"""Referral owns the referral: one request that a colleague take up part of a patient's care, from asking to the closed
loop. It listens to intake (a clearance or a mental-health referral is needed; who is in the care team) and to
monitoring (a red flag asks for a physician at once).
"""
