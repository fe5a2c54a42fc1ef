"""Intake owns the patient (identity, consents, care team, discharge) and the screening that decides whether, and how
hard, a patient may exercise: history, questionnaires, vitals, activity, preferences, safety flags, conclusion and
clearance. It listens to referral: whoever accepts a referral joins the care team, and the outcome of a clearance is
recorded.
"""
