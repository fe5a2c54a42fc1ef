"""What the clinical rules refuse to work with; every message is fit for a clinician and names no patient."""


class Refused(ValueError):
    """Input that the clinical rules will not interpret; nothing is ever clamped or guessed."""


class AnswerRefused(Refused):
    """An answer that the questionnaire does not offer, or too many or unknown items."""


class MeasureRefused(Refused):
    """A measured or prescribed figure that is no number or lies outside what the rule accepts."""


class UnknownCode(Refused):
    """A code that stands in no table of the clinical rules."""


class Under18(Refused):
    """The person is a minor at the date in question; every rule here is for adults."""


class ConclusionRefused(Refused):
    """A screening cannot be concluded because a gate has not been judged."""
