"""The pages: who is signed in, whom they may look at, and one patient's trail."""
