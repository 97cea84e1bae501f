"""What a text model sees beside the words: a published lexicon's scores and cues of service talk we wrote ourselves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin  # type: ignore[import-untyped,unused-ignore]

_WORD = re.compile(r"[a-z0']+|[!?.,;:()]+|[^\sa-z0']")
_NEGATION = re.compile(r"(?:not|no|never|cannot|cant|dont|without|nobody|nothing|neither|nor|\w+n't)")
_END = re.compile(r"[.!?,;:]+|but|however|though")
NEGATION_REACH = 4
"""Words after a negation that are marked, within the clause; Das & Chen 2001, Pang et al. 2002."""


def plain_words(text: str) -> str:
    """Lower case; addresses, names of accounts and digits reduced to their kind."""
    text = re.sub(r"https?://\S+|www\.\S+", " xurl ", text)
    text = re.sub(r"(?<!\w)@\w+", " xuser ", text)
    return re.sub(r"\d", "0", text.replace("’", "'")).lower()


def mark_negation(text: str) -> str:
    """Words under a negation get `_NOT`, so that "not good" and "good" are different words."""
    marked: list[str] = []
    left = 0
    for word in _WORD.findall(plain_words(text)):
        if _END.fullmatch(word):
            left = 0
            marked.append(word)
            continue
        marked.append(f"{word}_NOT" if left > 0 else word)
        left -= 1
        if _NEGATION.fullmatch(word):
            left = NEGATION_REACH
    return " ".join(marked)


_CUES: dict[str, str] = {
    # Written from general knowledge of service calls in any business; nothing was counted in labelled data.
    "waiting": r"still (?:waiting|no|not|haven't|hasn't|nothing|on hold)|on hold|waited|been waiting|how much longer|"
    r"(?:for|over|about) (?:an?|two|three|several|\d+) ?(?:hours?|hrs?|days?|weeks?|months?)|(?:hours?|days?|weeks?) (?:ago|later)|"
    r"all (?:day|night|morning|week)|since (?:yesterday|last|monday|tuesday|wednesday|thursday|friday)|forever|taking so long",
    "late": r"late|delay\w*|overdue|behind schedule|never (?:arrived|came|showed|turned up)|(?:hasn't|haven't|not|didn't) "
    r"(?:arrived?|come|shown? up|turned up|been delivered)|no[- ]show|missed (?:my|the|our)",
    "unanswered": r"no ?(?:one|body) (?:answers?|answered|picks? up|called|calls|replie[sd]|seems|knows|can|could|will|is|was|has)|"
    r"(?:no|any) (?:answer|reply|response|update|explanation|communication|idea)|hung up|disconnected|cut (?:me )?off|"
    r"never (?:called|got|heard|received|replied|answered)|can't get through|get (?:through|hold of) (?:to )?(?:anyone|someone|a human)|"
    r"ignor\w+|passed around|transferred (?:again|\w+ times)|voicemail|automated|busy signal",
    "broken": r"(?:does|do|did|is|are|was|has)(?:n't| not) (?:work|load|open|connect|start|function|let|accept|show)\w*|"
    r"not working|stopped working|broken?|broke|crash\w*|error|fail\w*|stuck|frozen|glitch\w*|damaged|defective|faulty|"
    r"(?:is|are|was|been|went|goes) (?:down|out|dead|offline)|won't (?:let|load|work|open|start|connect|go)|"
    r"can(?:'t|not) (?:log|access|use|open|connect|find|reach|get|check|book|change|pay)\w*|unable to|out of order|leak\w*",
    "lost": r"lost|missing|gone|disappear\w*|stolen|misplaced|wrong (?:item|order|name|address|amount|bill|size|person|one|place)|"
    r"mix(?:ed)?[- ]?up|messed up|screwed up|mistake|incorrect|error on",
    "money": r"refund\w*|money back|overcharg\w*|double[- ]?charged|charged (?:me )?(?:twice|again|for|an?)|hidden (?:fee|charge)s?|"
    r"compensat\w*|reimburs\w*|(?:extra|late|cancell?ation) fees?|rip[- ]?off|too expensive|waste of (?:money|time)|cost (?:me|us)",
    "cancelled": r"cancell?(?:ed|ing|ation)|cancel my|close my account|switch(?:ing)? (?:to|provider)|leav(?:e|ing) (?:you|your)|"
    r"never (?:again|using|buying|calling|flying|coming|going)|last time|done with (?:you|this)|losing (?:a )?customer|lost (?:a )?customer|"
    r"take my business|competitor",
    "repeat": r"again and again|yet again|once again|(?:second|third|fourth|fifth|\d+(?:nd|rd|th)) time|twice|(?:two|three|four|five|\d+) times|"
    r"every (?:time|single)|keeps? (?:happening|\w+ing)|already (?:told|called|explained|sent|paid|tried)|always (?:the same|late|wrong|down)|"
    r"same (?:problem|issue|thing|story)|another (?:delay|problem|issue|week|day|hour)",
    "outrage": r"ridiculous|unacceptable|disgrace\w*|disgust\w*|pathetic|joke|shame\w*|incompeten\w*|useless|worst|terribl[ey]|horribl[ey]|"
    r"awful\w*|appalling|outrag\w*|rude\w*|unprofessional|fed up|sick of|tired of|angry|furious|annoy\w*|frustrat\w*|upset|"
    r"disappoint\w*|unhappy|dissatisf\w*|poor|bad|fail|sucks?|suck|wtf|smh|crap\w*|damn|hell|stupid|nonsense|nightmare|mess|scam|"
    r"liars?|lied|lying|hate|unbelievable|insane|absurd|really\?|seriously",
    "demand": r"what(?:'s| is| the hell is)? going on|why (?:is|are|was|were|does|do|did|can't|won't|isn't|aren't|would|the)|"
    r"how (?:can|could) you|how (?:is|was) (?:that|this|it) (?:possible|fair|ok|okay)|where(?:'s| is| are) (?:my|our|the)|"
    r"when (?:will|are|is) (?:you|my|this|it|someone)|supposed to|promised|you (?:said|told|promised|guys|people)|"
    r"supervisor|manager|complain\w*|lawyer|explain|need (?:help|answers|someone)|do something|fix (?:this|it|your)|sort (?:this|it) out",
    "sarcasm": r"thanks for (?:nothing|the (?:delay|wait|no help))|(?:great|nice|good) (?:job|work|going|one).{0,30}\b(?:not|again|another|late|lost|delay)|"
    r"way to go|just (?:great|perfect|wonderful|lovely|what i needed)|gee thanks|oh (?:great|good|joy)|#\w*fail|🙄|😒|😡|😠|😤|👎|💔|😭|😢|😞|😩|😑",
    "thanks": r"thank(?:s| you|ful)(?! for nothing)|thx|ty|appreciate\w*|grateful|cheers|much obliged|bless you|you're the best|shout ?out|kudos|props",
    "solved": r"(?:is|are|was|got|been|all) (?:sorted|fixed|resolved|solved|settled|set)|(?:it )?works? (?:now|again|fine|great|perfectly)|"
    r"problem solved|helped (?:me|us)|that helps|very helpful|so helpful|sorted it|fixed it|took care of|on time|early|went smoothly|"
    r"(?:no|without any) (?:problems?|issues?|worries|trouble)|quick(?:ly)? (?:response|reply|and)",
    "praise": r"amazing|awesome|excellent|fantastic|wonderful|brilliant|outstanding|superb|perfect\w*|lovely|best|love[ds]?|loving|great|"
    r"good|nice|kind|friendly|polite|patient|pleasant|happy|glad|pleased|delighted|impressed|excited|recommend|enjoy\w*|yay|woo+|"
    r"fun|beautiful|cool|congrat\w*|well done|made my day|can't wait|looking forward|❤|😍|😊|👍|😄|😀|🙌|👏|😃|🎉|☺|😁|💙|💜",
    "laughter": r"lol|haha\w*|hehe\w*|:-?\)|;-?\)|:-?d\b|😂|😉|😎",
    "question": r"\?|^(?:hi|hello|hey)?[ ,]*(?:do|does|did|is|are|can|could|will|would|what|when|where|which|who|how|may|should|any)\b",
    "inquiry": r"how (?:do|can|would|much|many|long|far|early|late|often)|what(?:'s| is| are) (?:the|your|my)|"
    r"(?:is|are) there (?:a|any)|do you (?:have|offer|know|accept|allow|fly|sell|ship|provide|guys)|can i|could i|may i|am i able|"
    r"(?:could|can|would) you (?:please )?(?:tell|send|help|check|let|confirm|give|follow|dm)|i(?:'d| would) like to|i want to|"
    r"i'm (?:calling|looking|trying|wondering|interested)|just (?:wondering|checking|curious)|please|info\w*|question|wondering|which",
    "statement": r"my (?:name|number|account|address|order|date|reference|policy) (?:is|number)|it's (?:a|the)|okay|ok|all right|alright|"
    r"yes|yeah|sure|right|i see|hold on|one moment|let me (?:check|see|look)|press|website|e-?mail|online|xurl",
    "apology": r"sorry|apolog\w*|regret|forgive|my bad|unfortunately|inconvenience",
    "offer": r"i (?:can|will|'ll|would be happy to) help|how (?:can|may) i help|happy to help|glad to help|my pleasure|you're welcome|"
    r"anything else|no problem|of course|certainly|have a (?:great|nice|good|wonderful)|take care|goodbye|bye",
    "wish": r"would (?:be|love)|wish|hope\w*|could be|should (?:be|have)|if only|better|instead",
    "contrast": r"but|however|although|yet|except|unfortunately|instead|despite|after",
    "negation": r"not|no|never|n't|cannot|nobody|nothing|without|none|nor",
    "intensity": r"very|so|really|extremely|totally|completely|absolutely|such|too|ever|beyond|literally",
}
"""Name and pattern of each cue; a cue's value is how often it is found, at most three."""

_PATTERNS = {
    name: re.compile(rf"(?<![a-z])(?:{pattern})(?![a-z])" if name != "question" else pattern)
    for name, pattern in _CUES.items()
}

CUE_NAMES: tuple[str, ...] = (
    *("vader_compound", "vader_up", "vader_down", "vader_positive_share", "vader_negative_share", "vader_last"),
    *(f"cue_{name}" for name in _CUES),
    *("exclamations", "capitals_share", "words_log", "compound_times_question", "positive_with_trouble"),
)
_TROUBLE = ("waiting", "late", "unanswered", "broken", "lost", "money", "cancelled", "repeat", "outrage", "demand")


class SentimentCues(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Texts to a table of cues, shape (texts, len(CUE_NAMES)). English."""

    def fit(self, texts: Sequence[str], labels: Any = None) -> SentimentCues:  # noqa: ARG002 - scikit-learn's signature
        self.n_features_ = len(CUE_NAMES)
        return self

    def transform(self, texts: Iterable[str]) -> npt.NDArray[np.float64]:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

        analyser = SentimentIntensityAnalyzer()
        return np.asarray([_cues(text, analyser) for text in texts], dtype=float).reshape(-1, len(CUE_NAMES))

    def get_feature_names_out(self, _inputs: Any = None) -> npt.NDArray[np.object_]:
        return np.asarray(CUE_NAMES, dtype=object)


def _cues(text: str, analyser: Any) -> list[float]:
    scores = analyser.polarity_scores(text)
    sentences = [part for part in re.split(r"(?<=[.!?])\s+", text) if part.strip()] or [text]
    last = analyser.polarity_scores(sentences[-1])["compound"] if len(sentences) > 1 else scores["compound"]
    plain = plain_words(text)
    counts = {name: float(min(3, len(pattern.findall(plain)))) for name, pattern in _PATTERNS.items()}
    letters = [character for character in text if character.isalpha()]
    compound = scores["compound"]
    trouble = sum(counts[name] > 0 for name in _TROUBLE)
    return [
        compound,
        max(compound, 0.0),
        min(compound, 0.0),
        scores["pos"],
        scores["neg"],
        last,
        *counts.values(),
        float(min(3, text.count("!"))),
        sum(character.isupper() for character in letters) / max(len(letters), 1),
        float(np.log1p(len(plain.split()))),
        compound * (counts["question"] > 0),
        max(compound, 0.0) * min(trouble, 3),
    ]
