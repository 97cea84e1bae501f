"""Names the Faker library knows, and words that look like names and are none."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from functools import lru_cache

from analysis.redaction.postal import country_names
from analysis.redaction.spans import word_set
from analysis.redaction.turns import Word
from analysis.text import stop_words

_REGIONS = word_set(
    """ar_AA cs_CZ da_DK de_AT de_CH de_DE en_GB en_IE en_IN en_NG en_NZ en_PK en_TH en_US es_ES es_MX fi_FI fr_CA
    fr_FR hr_HR hu_HU id_ID it_IT nl_NL no_NO pl_PL pt_BR pt_PT ro_RO sv_SE sw tr_TR vi_VN yo_NG zu_ZA"""
)
_ENGLISH_REGIONS = ("en_US", "en_GB", "en_IE")
_ALSO_WORDS = word_set(
    """alexis amber angel art autumn bailey beverly bill blaze bonnie brandy brook brooke candy carmen carol chad
    chance charity charles charlie che chris christian clay cliff cole colt conn cruz crystal daisy dale dawn
    destiny diamond don drew earl ebony eden eve faith fern francisco frank gene ginger glen grace grant guy hazel
    heather holly hope hunter iris ivy jack jade jay jersey jewel joy juliet june kit lance lane lee leo levi lily
    logan mark mason max meg melody mercedes mike miles misty montana noel norm olive oscar page parker pat patty pearl
    penny perry pierce polly preston price randy raven ray reagan regan regina rich rob robin roman romeo rose rowan
    ruby rusty sandy scot shay shell sherry sierra sky spencer star sterling sue summer sunny tanner tiffany tory
    trinity troy van victor wade ward will willie winter woody"""
)
"""Given names that are words, companies, places or alphabet words as well."""

# What stands beside names in calls and is none, beyond the language's function words.
NO_NAMES = word_set(
    """speaking calling here from about regarding with and or the on in at account bank support service services team
    customer care department insurance energy telecom mobile broadband billing sales technical desk line company
    limited ltd inc group airlines airways hotel hospital clinic school college university street road avenue lane
    drive city town county state office store shop center centre credit union national international federal reserve
    north south east west valley harper general prime direct online express first last full middle name names surname
    please sorry thanks thank hello hi hey yes yeah yep no nope okay ok sure right well just actually so um uh er
    monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
    september october november december christmas easter english french german spanish american british european
    visa mastercard amex paypal apple google amazon microsoft android iphone samsung netflix facebook whatsapp
    internet wifi router phone card bill order number address email password contract policy mum mom dad mother father
    wife husband son daughter brother sister partner friend spelled spelt spell capital double today tomorrow yesterday
    sir madam ma'am mate love dear guys everyone everybody nobody someone anyone somebody lord god jesus christ
    windows linux chrome safari firefox outlook
    bonjour merci oui guten tag danke hola gracias buenos días good morning afternoon evening night bye goodbye
    there one moment ready available afraid happy glad able going trying looking wondering having getting waiting
    interested aware fine busy home back out off done over free new old same currently still really very not also"""
)
PLACES = word_set(
    """paris london austin madison victoria chelsea jordan florence lincoln sydney carolina dakota savannah charlotte
    houston dallas denver santiago india china israel cuba kenya america alexa siri mercedes ford tesla chase barclays
    wells morgan stanley royal virginia georgia washington kingston hamilton melbourne brooklyn memphis orlando
    phoenix jackson cleveland berlin milan vienna asia africa europe ireland england scotland wales france germany
    spain italy poland holland israel santander lloyds halifax wells cambridge oxford lancaster york kent devon"""
)
ORGANISATIONS = word_set("bank energy telecom insurance airlines airways hotel hotels group limited ltd inc national")
COMPANIES = ORGANISATIONS | word_set("valley street road avenue lane")


@lru_cache(maxsize=1)
def known_names() -> tuple[frozenset[str], frozenset[str]]:
    """Given names and surnames, lower case."""
    return _names_of(_REGIONS)


def _names_of(regions: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    given: set[str] = set()
    family: set[str] = set()
    for region in regions:
        provider = importlib.import_module(f"faker.providers.person.{region}").Provider
        for attribute in dir(provider):
            if attribute.startswith(("first_name", "last_name")):
                names = getattr(provider, attribute)
                if not callable(names):
                    (given if attribute.startswith("first") else family).update(str(name).casefold() for name in names)
    return frozenset(given), frozenset(family)


@lru_cache(maxsize=1)
def everyday_words() -> frozenset[str]:
    """Words of everyday language, which are no names unless something says so."""
    from faker.providers.lorem.en_US import Provider

    common = {word.casefold() for word in Provider.word_list}
    known = frozenset(common) | NO_NAMES | frozenset().union(*(stop_words(code) for code in ("en", "fr", "de", "es")))
    return known | {word.replace("'", "") for word in known}


def is_given_name(word: Word) -> bool:
    """A known given name that is hardly anything else."""
    if word.written.isupper() or word.text in country_names():
        return False
    return (
        word.text in known_names()[0]
        and word.text not in everyday_words()
        and word.text not in PLACES
        and len(word.text) > 2
    )


def is_known_name(word: Word) -> bool:
    given, family = known_names()
    return (word.text in given or word.text in family) and word.text not in everyday_words()


@lru_cache(maxsize=1)
def _plain_given_names() -> frozenset[str]:
    given, _ = _names_of(_ENGLISH_REGIONS)
    return (
        frozenset(name for name in given if len(name) > 2) - everyday_words() - PLACES - _ALSO_WORDS - country_names()
    )


def is_plainly_given(word: Word) -> bool:
    """A given name of English speakers that is no word of everyday language: known as one without a capital."""
    return word.text in _plain_given_names()
