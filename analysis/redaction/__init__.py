"""Personal data: found, replaced by placeholders, put back."""

from analysis.redaction.redactor import Redacted, Redactor, build_redactor

__all__ = ["Redacted", "Redactor", "build_redactor"]
