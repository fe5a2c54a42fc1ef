"""The rooms of CareTrail: a service each, and the suite and command line over them."""
