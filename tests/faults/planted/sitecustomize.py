"""Python runs this at its start wherever this folder is on PYTHONPATH: it plants the bug that the test asks for."""

import os
import sys

# The suite is imported from where the process was started, as it will be by the command line.
sys.path.insert(0, os.getcwd())

from bugs import PLANT

PLANT[os.environ["CARETRAIL_TEST_PLANTED"]]()
