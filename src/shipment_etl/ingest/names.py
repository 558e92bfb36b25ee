"""Names: spellings of the same text are normalized, in Python for names of columns, in SQL for values."""

import re
import unicodedata

from pyspark.sql import Column
from pyspark.sql import functions as F

__all__ = ["INVISIBLE", "NOTHING", "SPACES", "merge_spaces", "tidy", "tidy_column"]

SPACES = (
    " \t\n\u000b\u000c\r\u0085\u00a0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
)
"""White space. Source: the property White_Space of the Unicode Character Database."""

INVISIBLE = (
    "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
"""Invisible characters: soft hyphen, zero-width characters, and direction marks."""

NOTHING = frozenset(
    (
        *(
            "N/A",
            "n/a",
            "NA",
            "#N/A",
            "NULL",
            "null",
            "Null",
            "None",
            "none",
            "NONE",
            "nan",
            "NaN",
            "NAN",
            "nil",
            "\\N",
            "-",
        ),
        *(
            "--",
            "?",
            "unknown",
            "Unknown",
            "UNKNOWN",
            "tbd",
            "TBD",
            "#REF!",
            "#VALUE!",
            "#DIV/0!",
            "#NAME?",
            "(null)",
            "k.A.",
        ),
    )
)
"""Words that usually mean "not known", but may be a name."""

REMOVE = str.maketrans("", "", INVISIBLE)
RUN = re.compile(f"[{SPACES}]+")


def tidy(text: str) -> str:
    """Return a text in Unicode's form NFC, without invisible characters, and with single blanks between words."""
    return merge_spaces(unicodedata.normalize("NFC", text).translate(REMOVE)).strip(" ")


def merge_spaces(text: str) -> str:
    """Return a text with a blank for each run of white space, as in tidied values."""
    return RUN.sub(" ", text)


def tidy_column(text: Column) -> Column:
    """Apply `tidy` to a column of texts that are already in form NFC."""
    plain = F.translate(text, SPACES + INVISIBLE, " " * len(SPACES))
    return F.btrim(F.regexp_replace(plain, " {2,}", " "), F.lit(" "))
