using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Likes.Tests;

/// <summary>The sample in a process of its own.</summary>
internal sealed class SampleProcess : IDisposable
{
    private readonly Process _process;
    private readonly HttpClient _http = new();

    private SampleProcess(Process process) => _process = process;

    public static async Task<SampleProcess> StartAsync(string folder)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(Like).Assembly.Location, "--data", folder, "--urls", "http://127.0.0.1:0"]) { UseShellExecute = false, RedirectStandardOutput = true };
        var process = new Process { StartInfo = start };
        var listens = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data?.IndexOf("http://127.0.0.1:", StringComparison.Ordinal) is >= 0 and var at)
            {
                listens.TrySetResult(line.Data[at..].TrimEnd());
            }
        };
        process.Start();
        process.BeginOutputReadLine();
        var sample = new SampleProcess(process);
        try
        {
            sample._http.BaseAddress = new Uri(await listens.Task.WaitAsync(Deadline.Time));
            return sample;
        }
        catch
        {
            sample.Dispose();
            throw;
        }
    }

    public async Task ControlAsync(Server.Control control)
    {
        using HttpResponseMessage response = await _http.PostAsJsonAsync("control", control);
        response.EnsureSuccessStatusCode();
    }

    /// <summary>Likes a post, under the same key until the server holds it, as the page does: a process that has just begun is slow.</summary>
    /// <returns>The operation.</returns>
    public async Task<string> PendingAsync(string user)
    {
        string? operation = null;
        await Deadline.UntilAsync(async () =>
        {
            using HttpResponseMessage response = await _http.PostAsJsonAsync("likes", new { user, post = "1", seq = 1 });
            operation = response.StatusCode == HttpStatusCode.Accepted ? (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("operation").GetString() : null;
            return operation is not null;
        }, "the like is accepted");
        return operation!;
    }

    public async Task<string?> StateAsync(string operation) => (await _http.GetFromJsonAsync<JsonElement>($"operations/{operation}")).GetProperty("state").GetString();

    public Task<string> GetAsync(string path) => _http.GetStringAsync(path);

    /// <summary>SIGKILL: it can do nothing about it.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
        _http.Dispose();
    }
}
