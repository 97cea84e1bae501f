"""Words that a number before them counts."""

from __future__ import annotations

from analysis.redaction.spans import word_set

UNITS = word_set(
    """dollar dollars buck bucks pound pounds quid pence p euro euros cent cents percent pct per day days week weeks
    month months year years hour hours minute minutes min mins second seconds sec secs moment moments o'clock am pm
    gigabyte gigabytes gig gigs gb mb megabit megabits megabyte megabytes megs kilo kilos kg kwh gram grams mile miles
    km kilometre kilometres kilometer kilometers metre metres meter meters yard yards foot feet inch inches litre
    litres liter liters degree degrees people person persons time times unit units item items piece pieces point
    points bedroom bedrooms page pages call calls more other others digit digits number numbers figure figures letter
    letters working business star stars nights adult adults kid kids child children thing things card cards account
    accounts percent million billion
    o'clock oclock stars nights boxes tickets square cubic
    jour jours semaine semaines mois ans année années heure heures chiffres chiffre pour
    tag tage tagen woche wochen monat monate jahr jahre stunden uhr ziffern stellen prozent
    día días mes meses año años horas hora dígitos cifras por"""
)
