"""The deployed entry of index: functions-framework serves it as `index`."""

from functions.core.runtime.serve import entry
from functions.index.handler import STEP

index = entry(STEP)
