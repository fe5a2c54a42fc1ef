"""Prescription owns the exercise program: its draft, every revision with author, reason and differences, and whether it
is followed now. It listens to intake (what a concluded screening and a clearance allow, who is in the care team) and to
monitoring (a red flag pauses the program until a physician has cleared the patient again).
"""
