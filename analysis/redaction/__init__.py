"""Personal data: found, replaced by placeholders, put back."""

from analysis.redaction.choice import build_redactor, redactor_of
from analysis.redaction.redactor import Redacted, Redactor

__all__ = ["Redacted", "Redactor", "build_redactor", "redactor_of"]
