"""The words of the decision: what is asked, what is known, what is answered. Plain values, not tables."""

from apps.verification.models.code import Code
from apps.verification.models.key_record import KeyRecord
from apps.verification.models.owner import Owner
from apps.verification.models.question import Question
from apps.verification.models.verdict import Verdict

__all__ = ["Code", "KeyRecord", "Owner", "Question", "Verdict"]
