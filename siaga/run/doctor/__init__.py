"""`siaga doctor`: what is wrong with a deployment, and what mends it. It changes nothing."""

from siaga.run.doctor.examination import examine
from siaga.run.doctor.finding import Finding, State

__all__ = ["Finding", "State", "examine"]
