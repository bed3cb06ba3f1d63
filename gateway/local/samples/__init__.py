"""Pictures drawn by ourselves, so that a new gallery has something to look at and to search."""

from gateway.local.samples.gallery import Sample, samples

__all__ = ["Sample", "samples"]
