"""What is wrong with a region's layers, and how to mend it."""

from technobelt.doctor.examination import examine
from technobelt.doctor.findings import SHOWN, Finding, Remedy
from technobelt.doctor.mending import mend

__all__ = ["SHOWN", "Finding", "Remedy", "examine", "mend"]
