"""All errors that users can get, in one tree: each message says what is wrong, where, and what to do.

If running the same command again may succeed without any change, `retryable` is true and the exit code is 75.

ShipmentEtlError
├── UsageError                      the call is wrong (exit code 2)
│   ├── InvalidValue
│   ├── InvalidDateRange
│   ├── NetworkError
│   ├── UnknownEngine
│   ├── EngineMissing
│   ├── ExtraMissing
│   ├── EngineTaken
│   ├── EngineUnreachable           retryable
│   ├── JavaMissing
│   ├── JarsUnreachable             retryable
│   ├── DeltaMissing
│   ├── DocstringsMissing
│   ├── MissingColumns
│   ├── ColumnClash
│   ├── WrongTypes
│   ├── UnsupportedCheck
│   ├── ConfigError
│   ├── PluginError
│   │   └── NameClash
│   └── MappingError
│       └── UnknownColumn
├── DataRejected                    more rows were rejected than --max-rejected allows (exit code 3)
│   ├── RecordsRejected
│   │   └── NothingReadable
│   └── ReportsTied
└── JobError                        the job failed (exit code 1)
    ├── IngestError
    │   ├── FileMissing
    │   ├── FileEmpty
    │   ├── MixedCurrencies
    │   └── FileUnreadable
    │       └── LimitExceeded
    │           ├── TooManyFields
    │           ├── RecordTooLong
    │           ├── RecordTooLarge
    │           └── UnpackedTooLarge
    ├── LakeError
    │   ├── LakeMissing
    │   ├── TableMissing
    │   ├── NotADeltaTable
    │   ├── BatchExists
    │   ├── BatchMissing
    │   ├── MappingDiffers
    │   ├── FileDamaged
    │   ├── TableLost
    │   ├── NotPlainParquet
    │   ├── HasDeletionVectors
    │   ├── NothingToReport
    │   ├── NothingToCompare
    │   ├── NothingToLearn
    │   ├── RunMissing
    │   ├── LakeFull
    │   ├── LakeUnwritable
    │   ├── LakeLocked              retryable
    │   ├── LockLost                retryable
    │   ├── VersionMissing
    │   ├── ChangedOutside
    │   ├── NewerRelease
    │   ├── RollbackRefused
    │   ├── RowsChanged
    │   ├── CommitConflict          retryable
    │   └── StorageError
    │       ├── BucketMissing
    │       ├── BucketElsewhere
    │       ├── StorageDenied
    │       ├── CredentialsMissing
    │       ├── CredentialsRefused
    │       ├── StorageUnfit
    │       ├── StorageUnreachable  retryable
    │       └── StorageFailed       retryable
    ├── EngineFailed
    ├── FileUnwritable
    ├── RowsLost
    └── RowsMissing
"""

from shipment_etl.errors.base import (
    TRY_AGAIN,
    DataRejected,
    JobError,
    ReportsTied,
    ShipmentEtlError,
    UsageError,
)
from shipment_etl.errors.data import (
    FileEmpty,
    FileMissing,
    FileUnreadable,
    FileUnwritable,
    IngestError,
    LimitExceeded,
    MixedCurrencies,
    NothingReadable,
    RecordsRejected,
    RecordTooLarge,
    RecordTooLong,
    RowsLost,
    RowsMissing,
    TooManyFields,
    UnpackedTooLarge,
)
from shipment_etl.errors.engine import (
    DeltaMissing,
    DocstringsMissing,
    EngineFailed,
    EngineMissing,
    EngineTaken,
    EngineUnreachable,
    JarsUnreachable,
    JavaMissing,
    UnknownEngine,
)
from shipment_etl.errors.lake import (
    BatchExists,
    BatchMissing,
    ChangedOutside,
    CommitConflict,
    FileDamaged,
    HasDeletionVectors,
    LakeError,
    LakeFull,
    LakeLocked,
    LakeMissing,
    LakeUnwritable,
    LockLost,
    MappingDiffers,
    NewerRelease,
    NotADeltaTable,
    NothingToCompare,
    NothingToLearn,
    NothingToReport,
    NotPlainParquet,
    RollbackRefused,
    RowsChanged,
    RunMissing,
    TableLost,
    TableMissing,
    VersionMissing,
)
from shipment_etl.errors.storage import (
    BucketElsewhere,
    BucketMissing,
    CredentialsMissing,
    CredentialsRefused,
    StorageDenied,
    StorageError,
    StorageFailed,
    StorageUnfit,
    StorageUnreachable,
)
from shipment_etl.errors.usage import (
    ColumnClash,
    ConfigError,
    ExtraMissing,
    InvalidDateRange,
    InvalidValue,
    MappingError,
    MissingColumns,
    NameClash,
    NetworkError,
    PluginError,
    UnknownColumn,
    UnsupportedCheck,
    WrongTypes,
)
from shipment_etl.errors.wording import join_names, shorten, suggest

__all__ = [
    "TRY_AGAIN",
    "BatchExists",
    "BatchMissing",
    "BucketElsewhere",
    "BucketMissing",
    "ChangedOutside",
    "ColumnClash",
    "CommitConflict",
    "ConfigError",
    "CredentialsMissing",
    "CredentialsRefused",
    "DataRejected",
    "DeltaMissing",
    "DocstringsMissing",
    "EngineFailed",
    "EngineMissing",
    "EngineTaken",
    "EngineUnreachable",
    "ExtraMissing",
    "FileDamaged",
    "FileEmpty",
    "FileMissing",
    "FileUnreadable",
    "FileUnwritable",
    "HasDeletionVectors",
    "IngestError",
    "InvalidDateRange",
    "InvalidValue",
    "JarsUnreachable",
    "JavaMissing",
    "JobError",
    "LakeError",
    "LakeFull",
    "LakeLocked",
    "LakeMissing",
    "LakeUnwritable",
    "LimitExceeded",
    "LockLost",
    "MappingDiffers",
    "MappingError",
    "MissingColumns",
    "MixedCurrencies",
    "NameClash",
    "NetworkError",
    "NewerRelease",
    "NotADeltaTable",
    "NotPlainParquet",
    "NothingReadable",
    "NothingToCompare",
    "NothingToLearn",
    "NothingToReport",
    "PluginError",
    "RecordTooLarge",
    "RecordTooLong",
    "RecordsRejected",
    "ReportsTied",
    "RollbackRefused",
    "RowsChanged",
    "RowsLost",
    "RowsMissing",
    "RunMissing",
    "ShipmentEtlError",
    "StorageDenied",
    "StorageError",
    "StorageFailed",
    "StorageUnfit",
    "StorageUnreachable",
    "TableLost",
    "TableMissing",
    "TooManyFields",
    "UnknownColumn",
    "UnknownEngine",
    "UnpackedTooLarge",
    "UnsupportedCheck",
    "UsageError",
    "VersionMissing",
    "WrongTypes",
    "join_names",
    "shorten",
    "suggest",
]

for _name in __all__:
    if isinstance(globals()[_name], type):
        # Tracebacks and pickles name this package, not the module that defines the class.
        globals()[_name].__module__ = __name__
