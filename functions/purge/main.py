"""The deployed entry of purge: functions-framework serves it as `purge`."""

from functions.core.runtime.serve import entry
from functions.purge.handler import STEP

purge = entry(STEP)
