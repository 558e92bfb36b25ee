"""Limits of what is read, so that a file of any size or kind lands in bounded memory. Each has an error of its own."""

__all__ = [
    "MAX_BATCH_BYTES",
    "MAX_BATCH_ROWS",
    "MAX_BATCH_VALUES",
    "MAX_BROKEN_AT_FIRST",
    "MAX_FIELDS",
    "MAX_RECORD_BYTES",
    "MAX_RECORD_CHARACTERS",
    "MAX_UNPACKED_BYTES",
    "MAX_UNPACKED_RATIO",
    "MIN_UNPACKED_BYTES",
]

MAX_FIELDS = 16_384
"""Fields of a record; `TooManyFields`. Source: the columns of an Excel sheet."""

MAX_RECORD_CHARACTERS = 1 << 22
"""Characters of a record of text, over all its lines; `RecordTooLong`. What is longer has a quote that is never closed."""

MAX_RECORD_BYTES = 1 << 24
"""Bytes of a record of a binary format, as text; `RecordTooLarge`."""

MAX_BATCH_ROWS = 8192
"""Records of a batch in memory."""

MAX_BATCH_VALUES = 1 << 19
"""Values of a batch in memory, over all its records."""

MAX_BATCH_BYTES = 1 << 25
"""Bytes, or characters, of a batch in memory. One that reaches one of these three bounds is written, and another begins."""

MAX_BROKEN_AT_FIRST = 1_000_000
"""Records that may be broken before one is not, where nobody has said how many may be; `NothingReadable`."""

MAX_UNPACKED_RATIO = 200
"""Bytes that a packed byte may become; `UnpackedTooLarge`. Tables shrink to a fifth or a twentieth as a rule."""

MIN_UNPACKED_BYTES = 1 << 26
"""Bytes up to which the ratio does not count: a small file of zeros harms nobody."""

MAX_UNPACKED_BYTES = 1 << 38
"""Bytes of a file when unpacked; `UnpackedTooLarge`."""
