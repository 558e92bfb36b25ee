"""Limits for reading, so that a file of any size or kind lands in bounded memory, and the errors that they raise."""

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
"""Fields of a record; `TooManyFields`. Source: the maximum number of columns in Excel."""

MAX_RECORD_CHARACTERS = 1 << 22
"""Characters of a text record, over all its lines; `RecordTooLong`. A longer one has a quote that is never closed."""

MAX_RECORD_BYTES = 1 << 24
"""Bytes of a record in a binary format, as text; `RecordTooLarge`."""

MAX_BATCH_ROWS = 8192
"""Records of a batch in memory."""

MAX_BATCH_VALUES = 1 << 19
"""Values of a batch in memory, over all its records."""

MAX_BATCH_BYTES = 1 << 25
"""Bytes, or characters, of a batch in memory. A batch that reaches one of these three limits is written."""

MAX_BROKEN_AT_FIRST = 1_000_000
"""Broken records before the first valid one, if no maximum of rejected records is given; `NothingReadable`."""

MAX_UNPACKED_RATIO = 200
"""Unpacked bytes per compressed byte; `UnpackedTooLarge`. Tables usually shrink to between a fifth and a twentieth."""

MIN_UNPACKED_BYTES = 1 << 26
"""Unpacked bytes up to which the ratio is not checked: a small file of zeros does no harm."""

MAX_UNPACKED_BYTES = 1 << 38
"""Bytes of a file when unpacked; `UnpackedTooLarge`."""
