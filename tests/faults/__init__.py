"""What is killed, cut off and wiped here must lose nothing and do nothing twice."""
