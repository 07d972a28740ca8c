namespace Perdure.Sqlite.Native;

/// <summary>SQLite's primary result codes, as far as they are told apart here.</summary>
internal enum ResultCode
{
    Ok = 0,
    Error = 1,
    Permission = 3,
    Busy = 5,
    Locked = 6,
    NoMemory = 7,
    ReadOnly = 8,
    Interrupted = 9,
    InputOutput = 10,
    Corrupt = 11,
    Full = 13,
    CannotOpen = 14,
    TooBig = 18,
    Constraint = 19,
    Mismatch = 20,
    NotADatabase = 26,
    Row = 100,
    Done = 101,
}
