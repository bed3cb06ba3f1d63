"""The deployed entry of moderate: functions-framework serves it as `moderate`."""

from functions.core.runtime.serve import entry
from functions.moderate.handler import STEP

moderate = entry(STEP)
