"""Monitoring owns the monitoring plan of a running program (check-ins, measures over time, red flags) and the alerts
that somebody must look at. It listens to prescription (a program is activated, revised, paused, resumed, ended) and to
intake (baseline measures; the patient's time zone and language; who is in the care team).
"""
