"""Portal: the care team's web pages, readable on a phone.

Owns no facts. It shows what the other services answer to the signed-in person's own token, so that it can show nothing
that the person may not see; its one table keeps who is signed in, sealed with the id that only the browser holds.
"""
