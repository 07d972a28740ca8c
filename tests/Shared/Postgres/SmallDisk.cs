using System.Diagnostics;
using System.Globalization;

namespace Perdure.Shared;

/// <summary>
/// A file system of a few megabytes, in memory, that only those see who enter it; it is there as long as this object. It needs no rights on the machine: who is not root
/// is root in a user namespace.
/// </summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private const string Mounted = "mounted";
    private const string Mount = "mount -t tmpfs -o size=\"$1\",mode=0777 tmpfs \"$0\" && echo " + Mounted + " && cat > /dev/null";

    private readonly string _folder;
    private readonly Process _holder;

    private SmallDisk(string folder, Process holder)
    {
        _folder = folder;
        _holder = holder;
    }

    /// <summary>What goes before a command, so that it sees the disk. PostgreSQL must not find itself to be root, so who is not leaves that again.</summary>
    public IEnumerable<string> Enter => Environment.IsPrivilegedProcess
        ? ["nsenter", $"--mount={Namespace("mnt")}", "--"]
        : ["nsenter", $"--user={Namespace("user")}", $"--mount={Namespace("mnt")}", "--preserve-credentials", "--", "unshare", "--user", "--map-user=1000", "--map-group=1000", "--"];

    private string Filler => PathOf(Path.Combine(_folder, "filler"));

    /// <summary>Makes a disk at an empty folder.</summary>
    public static async Task<SmallDisk> MakeAsync(string folder, int megabytes)
    {
        string[] rights = Environment.IsPrivilegedProcess ? [] : ["--user", "--map-root-user"];
        var info = new ProcessStartInfo("unshare", [.. rights, "--mount", "--", "/bin/sh", "-c", Mount, folder, string.Create(CultureInfo.InvariantCulture, $"{megabytes}m")])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var holder = Process.Start(info)!;
        return await holder.StandardOutput.ReadLineAsync() == Mounted
            ? new SmallDisk(folder, holder)
            : throw new InvalidOperationException($"No file system of its own: {await holder.StandardError.ReadToEndAsync()}");
    }

    /// <summary>Where those who have not entered the disk find a file of it.</summary>
    public string PathOf(string path) => string.Create(CultureInfo.InvariantCulture, $"/proc/{_holder.Id}/root{path}");

    /// <summary>Fills what room is left, to the last byte.</summary>
    public void Fill()
    {
        using var filler = new FileStream(Filler, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        int block = 1 << 20;
        while (block > 0)
        {
            try
            {
                filler.Write(new byte[block]);
            }
            catch (IOException)
            {
                block /= 2;
            }
        }
    }

    /// <summary>There is room again.</summary>
    public void Free() => File.Delete(Filler);

    public async ValueTask DisposeAsync()
    {
        _holder.StandardInput.Close();
        await _holder.WaitForExitAsync();
        _holder.Dispose();
    }

    private string Namespace(string kind) => string.Create(CultureInfo.InvariantCulture, $"/proc/{_holder.Id}/ns/{kind}");
}
