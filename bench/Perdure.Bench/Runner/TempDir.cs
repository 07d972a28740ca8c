namespace Perdure.Bench.Runner;

/// <summary>A directory on a disk, gone at the end.</summary>
internal sealed class TempDir : IDisposable
{
    private TempDir(string path) => Path = path;

    public string Path { get; }

    /// <param name="parent">Where to make it; null for the first of the usual places that is on a disk.</param>
    public static TempDir Make(string? parent)
    {
        // A file system in memory makes fsync free, and every figure a lie.
        string[] places = parent is null ? [System.IO.Path.GetTempPath(), "/var/tmp", Environment.CurrentDirectory] : [parent];
        string place = places.FirstOrDefault(p => Directory.Exists(p) && !IsInMemory(p))
            ?? throw new BadArgumentException($"--dir: {string.Join(", ", places)}: no directory that is there and on a disk");
        string path = System.IO.Path.Combine(place, "perdure-bench-" + Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(path);
        return new TempDir(path);
    }

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose()
    {
        if (Directory.Exists(Path))
        {
            Directory.Delete(Path, recursive: true);
        }
    }

    private static bool IsInMemory(string path)
    {
        // The drive is the mount point with the longest name that leads to the path.
        string full = System.IO.Path.GetFullPath(path);
        DriveInfo? drive = DriveInfo.GetDrives()
            .Where(d => full == d.Name || full.StartsWith(d.Name.TrimEnd('/') + "/", StringComparison.Ordinal))
            .MaxBy(d => d.Name.Length);
        return drive is { IsReady: true, DriveFormat: "tmpfs" or "ramfs" };
    }
}
