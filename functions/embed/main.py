"""The deployed entry of embed: functions-framework serves it as `embed`."""

from functions.core.runtime.serve import entry
from functions.embed.handler import STEP

embed = entry(STEP)
