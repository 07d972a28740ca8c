namespace Perdure.Bench.Bare;

/// <summary>The rows that a job needs at the least: one insert of 100 bytes, one delete.</summary>
internal sealed class FloorJobs : IDisposable
{
    private readonly SqliteStatement _insert;
    private readonly SqliteStatement _delete;

    public FloorJobs(SqliteFile file)
    {
        file.Execute("CREATE TABLE job (number INTEGER PRIMARY KEY, queue TEXT NOT NULL, priority INTEGER NOT NULL, created_at INTEGER NOT NULL, payload BLOB)");
        byte[] payload = new byte[100];
        Random.Shared.NextBytes(payload);
        _insert = file.Prepare("INSERT INTO job (number, queue, priority, created_at, payload) VALUES (?1, 'bench', 0, ?2, ?3)");
        _delete = file.Prepare("DELETE FROM job WHERE number = ?1");
        _insert.BindBlob(3, payload);
    }

    public void Insert(long number, long at) => _insert.Bind(1, number).Bind(2, at).Run();

    public void Delete(long number) => _delete.Bind(1, number).Run();

    public void Dispose()
    {
        _insert.Dispose();
        _delete.Dispose();
    }
}
