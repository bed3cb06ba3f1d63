"""The deployed entry of ingest: functions-framework serves it as `ingest`."""

from functions.core.runtime.serve import entry
from functions.ingest.handler import STEP

ingest = entry(STEP)
