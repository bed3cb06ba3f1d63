"""The deployed entry of thumbnail: functions-framework serves it as `thumbnail`."""

from functions.core.runtime.serve import entry
from functions.thumbnail.handler import STEP

thumbnail = entry(STEP)
