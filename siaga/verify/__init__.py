"""Compares siaga's API with the truth that simulated devices wrote.

    truth = read_truth(Path("truth.jsonl"))
    verdict = compare(truth, Answers("http://127.0.0.1:8000", token))
    verdict.agrees, verdict.document(), table(verdict)

It uses the truth file and the API, and nothing else of siaga.
"""

from siaga.verify.answers import Answers, CannotAsk
from siaga.verify.comparison import Comparison, compare
from siaga.verify.known_truth import BadTruth, KnownTruth, read_truth
from siaga.verify.table import table

__all__ = ["Answers", "BadTruth", "CannotAsk", "Comparison", "KnownTruth", "compare", "read_truth", "table"]
